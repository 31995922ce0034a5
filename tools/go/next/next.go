//go:build tools

// Package next names the command that is built here, so that `go mod tidy` keeps what it needs.
package next

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
