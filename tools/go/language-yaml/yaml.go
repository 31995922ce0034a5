//go:build tools

// Package yaml names the command that is built here, so that `go mod tidy` keeps what it needs.
package yaml

import _ "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"
