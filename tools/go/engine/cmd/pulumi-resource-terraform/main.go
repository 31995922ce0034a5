// Command pulumi-resource-terraform stands in for Pulumi's `terraform` plugin, which is in no package registry, on machines
// that cannot download it. It answers the calls that pulumi_terraform 6.1.0 makes for local, S3 and remote state, with
// the official plugin's results: the root module's outputs as plain values, whatever Terraform's sensitive flag says.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/pkg/v3/resource/provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// version of the pulumi_terraform package whose calls this plugin answers; set by the build.
var version = "0.0.0"

type server struct {
	pulumirpc.UnimplementedResourceProviderServer
}

// readers has a function for each token; it returns the bytes of a Terraform state file.
var readers = map[string]func(context.Context, arguments) ([]byte, error){
	"terraform:state:getLocalReference":  readLocal,
	"terraform:state:getS3Reference":     readS3,
	"terraform:state:getRemoteReference": readRemote,
}

func main() {
	// The official plugin has the AWS SDK for Go v1, which knows neither a profile's endpoint_url nor AWS_ENDPOINT_URL.
	os.Setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
	err := provider.Main("terraform", func(*provider.HostClient) (pulumirpc.ResourceProviderServer, error) {
		return &server{}, nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-terraform:", err)
		os.Exit(1)
	}
}

// Invoke reads a state and returns {"outputs": {name: value}}.
func (*server) Invoke(ctx context.Context, req *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	read, ok := readers[req.GetTok()]
	if !ok {
		return nil, status.Errorf(codes.Unimplemented, "this stand-in has no %s: install Pulumi's own terraform plugin", req.GetTok())
	}
	args, err := plugin.UnmarshalProperties(req.GetArgs(), plugin.MarshalOptions{SkipNulls: true, RejectAssets: true})
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	state, err := read(ctx, arguments(args.Mappable()))
	if err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	outputs, err := outputs(state)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	result, err := structpb.NewStruct(map[string]any{"outputs": outputs})
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &pulumirpc.InvokeResponse{Return: result}, nil
}

func (*server) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

func (*server) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return &pulumirpc.GetSchemaResponse{Schema: `{"name":"terraform","version":"` + version + `"}`}, nil
}

func (*server) CheckConfig(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: req.GetNews()}, nil
}

func (*server) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{}, nil
}

func (*server) Configure(context.Context, *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	return &pulumirpc.ConfigureResponse{}, nil
}

func (*server) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
