//go:build tools

// Package engine names the commands that are built from this module besides its own, so that `go mod tidy -e` keeps
// what they need. (-e: the bridge's tests need a newer tablewriter than the CLI; see go.mod.)
package engine

import (
	_ "github.com/hashicorp/terraform-provider-aws"
	_ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
)
