package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	pftfbridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/pkg/v3/resource/provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// serve answers the two flags of the official plugin, or serves the engine until it is done.
func serve(ctx context.Context, info tfbridge.ProviderInfo) error {
	if len(os.Args) > 1 {
		switch strings.TrimLeft(os.Args[1], "-") {
		case "version":
			fmt.Println(info.Version)
			return nil
		case "get-provider-info":
			return json.NewEncoder(os.Stdout).Encode(tfbridge.MarshalProviderInfo(&info))
		}
	}
	// The bridge wants some schema; the whole one is made when it is asked for, as few programs need it.
	start := pftfbridge.MakeMuxedServer(ctx, info.Name, info, []byte("{}"))
	return provider.MainContext(ctx, info.Name, func(host *provider.HostClient) (pulumirpc.ResourceProviderServer, error) {
		inner, err := start(host)
		return &server{inner, info}, err
	})
}

// server is the bridge's server, which also has a schema and refuses the types of other services in so many words.
type server struct {
	pulumirpc.ResourceProviderServer
	info tfbridge.ProviderInfo
}

func (s *server) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	text, err := json.Marshal(packageSchema(s.info))
	return &pulumirpc.GetSchemaResponse{Schema: string(text)}, err
}

func (s *server) Check(ctx context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	if err := s.refuseResource(request.GetUrn()); err != nil {
		return nil, err
	}
	return s.ResourceProviderServer.Check(ctx, request)
}

func (s *server) Read(ctx context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	if err := s.refuseResource(request.GetUrn()); err != nil {
		return nil, err
	}
	return s.ResourceProviderServer.Read(ctx, request)
}

func (s *server) Delete(ctx context.Context, request *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	if err := s.refuseResource(request.GetUrn()); err != nil {
		return nil, err
	}
	return s.ResourceProviderServer.Delete(ctx, request)
}

func (s *server) Invoke(ctx context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	for _, function := range s.info.DataSources {
		if string(function.Tok) == request.GetTok() {
			return s.ResourceProviderServer.Invoke(ctx, request)
		}
	}
	return nil, s.refusal(request.GetTok())
}

func (s *server) refuseResource(urn string) error {
	token := resource.URN(urn).Type()
	for _, known := range s.info.Resources {
		if known.Tok == token {
			return nil
		}
	}
	return s.refusal(string(token))
}

func (s *server) refusal(token string) error {
	return status.Errorf(codes.NotFound, "%s is not in the aws plugin that was built here, which only has what Terraform's "+
		"provider had of these services when it was pinned: %s. To use others, run `make engine` where the official plugin "+
		"can be downloaded.", token, strings.ReplaceAll(services, ",", ", "))
}
