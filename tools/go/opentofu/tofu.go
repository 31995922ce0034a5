//go:build tools

// Package tofu names the command that is built here, so that `go mod tidy` keeps what it needs.
package tofu

import _ "github.com/opentofu/opentofu/cmd/tofu"
