// Command pulumi-resource-aws serves hashicorp/terraform-provider-aws as Pulumi's `aws` plugin, for machines that cannot
// download the official one. It is built from the same source as this project's Terraform provider, trimmed to the
// services in tools/build.py, and uses pulumi-aws's tokens, names and auto-naming, so that a program
// written for the official plugin runs unchanged. tests/tools checks all of these against the pulumi_aws package.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-provider-aws/xpprovider"
	pftfbridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/x/muxer"
	"github.com/pulumi/pulumi-terraform-bridge/v3/unstable/metadata"
)

// Set by the build.
var (
	// version of the pulumi_aws package whose calls this plugin answers.
	version = "0.0.0"
	// services that the provider was trimmed to, by the names of its packages, with commas between them.
	services = ""
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-aws:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	framework, sdk, err := xpprovider.GetProvider(ctx)
	if err != nil {
		return err
	}
	// The provider is written with two of Terraform's libraries; the bridge serves both halves as one.
	info := describe(pftfbridge.MuxShimWithDisjointgPF(ctx, shimv2.NewProvider(sdk), framework))
	// The official plugin computes at its build which half has which type.
	table, err := info.P.(muxed).ResolveDispatch(&info)
	if err != nil {
		return err
	}
	if err := metadata.Set(info.GetMetadata(), "mux", table); err != nil {
		return err
	}
	return serve(ctx, info)
}

// muxed is what MuxShimWithDisjointgPF returns, whose type the bridge does not export.
type muxed interface {
	ResolveDispatch(info *tfbridge.ProviderInfo) (muxer.DispatchTable, error)
	ResourceIsPF(name string) bool
	DataSourceIsPF(name string) bool
}

func describe(upstream shim.Provider) tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:              upstream,
		Name:           "aws",
		Version:        version,
		ResourcePrefix: "aws",
		MetadataInfo:   tfbridge.NewProviderMetadata(nil),
		Resources:      map[string]*tfbridge.ResourceInfo{},
		DataSources:    map[string]*tfbridge.DataSourceInfo{},
		Config: map[string]*tfbridge.SchemaInfo{
			"region":     {Default: &tfbridge.DefaultInfo{EnvVars: []string{"AWS_REGION", "AWS_DEFAULT_REGION"}}},
			"access_key": {Secret: tfbridge.True()},
			"secret_key": {Secret: tfbridge.True()},
			"token":      {Secret: tfbridge.True()},
		},
	}
	upstream.ResourcesMap().Range(func(name string, _ shim.Resource) bool {
		if token, ok := resourceToken(name); ok {
			info.Resources[name] = &tfbridge.ResourceInfo{Tok: token, Fields: map[string]*tfbridge.SchemaInfo{}}
		}
		return true
	})
	upstream.DataSourcesMap().Range(func(name string, _ shim.Resource) bool {
		if token, ok := functionToken(name); ok {
			info.DataSources[name] = &tfbridge.DataSourceInfo{Tok: token, Fields: map[string]*tfbridge.SchemaInfo{}}
		}
		return true
	})
	override(&info)
	return info
}
