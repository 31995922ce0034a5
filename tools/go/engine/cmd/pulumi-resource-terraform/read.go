package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/hashicorp/go-tfe"
)

// arguments of a call, by the names of pulumi_terraform's wire format.
type arguments map[string]any

func (a arguments) string(name, fallback string) string {
	if value, ok := a[name].(string); ok && value != "" {
		return value
	}
	return fallback
}

// refuse names the first argument that the stand-in does not know, rather than ignoring it.
func (a arguments) refuse(known ...string) error {
	for name := range a {
		if !slices.Contains(known, name) {
			return fmt.Errorf("this stand-in does not know the argument %q: install Pulumi's own terraform plugin", name)
		}
	}
	return nil
}

// readLocal reads a file. As in the official plugin, the default workspace is read whatever workspaceDir says.
func readLocal(_ context.Context, args arguments) ([]byte, error) {
	path := args.string("path", "terraform.tfstate")
	state, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("remote state not found: there is no file %s", path)
	}
	return state, err
}

// readS3 reads an object of Terraform's S3 backend. It demands what the official plugin demands, which has the backend of
// Terraform 1.5.7 on the AWS SDK for Go v1: a region that no profile gives, and credentials that STS confirms. It knows
// no endpoint but those of its arguments and of the variables that the backend reads (see main).
func readS3(ctx context.Context, args arguments) ([]byte, error) {
	if err := args.refuse("bucket", "key", "region", "endpoint", "stsEndpoint", "forcePathStyle", "profile", "workspace",
		"workspaceKeyPrefix", "accessKey", "secretKey", "token", "roleArn", "externalId", "sessionName",
		"skipCredentialsValidation", "skipRegionValidation", "skipMetadataApiCheck"); err != nil {
		return nil, err
	}
	cfg, err := s3Config(ctx, args)
	if err != nil {
		return nil, fmt.Errorf("error configuring S3 Backend: %w", err)
	}
	bucket, key := args.string("bucket", ""), args.string("key", "")
	if workspace := args.string("workspace", "default"); workspace != "default" {
		key = args.string("workspaceKeyPrefix", "env:") + "/" + workspace + "/" + key
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.BaseEndpoint = endpoint(args, "endpoint", "AWS_S3_ENDPOINT")
		o.UsePathStyle, _ = args["forcePathStyle"].(bool)
	})
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("error reading Terraform state s3://%s/%s: %w", bucket, key, err)
	}
	defer object.Body.Close()
	return io.ReadAll(object.Body)
}

// s3Config returns the region and the credentials. Those of the arguments win, then those of the environment, and only
// then those of the profile, even if it is an argument.
func s3Config(ctx context.Context, args arguments) (aws.Config, error) {
	region := args.string("region", cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")))
	if region == "" {
		return aws.Config{}, errors.New(`the argument "region" is required, but was not set`)
	}
	environment, err := config.NewEnvConfig()
	if err != nil {
		return aws.Config{}, err
	}
	options := []func(*config.LoadOptions) error{config.WithRegion(region)}
	if profile := args.string("profile", ""); profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	if key := args.string("accessKey", ""); key != "" {
		static := credentials.NewStaticCredentialsProvider(key, args.string("secretKey", ""), args.string("token", ""))
		options = append(options, config.WithCredentialsProvider(static))
	} else if environment.Credentials.HasKeys() {
		options = append(options, config.WithCredentialsProvider(credentials.StaticCredentialsProvider{Value: environment.Credentials}))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, err
	}
	client := func() *sts.Client {
		return sts.NewFromConfig(cfg, func(o *sts.Options) { o.BaseEndpoint = endpoint(args, "stsEndpoint", "AWS_STS_ENDPOINT") })
	}
	if role := args.string("roleArn", ""); role != "" {
		assume := func(o *stscreds.AssumeRoleOptions) {
			if id := args.string("externalId", ""); id != "" {
				o.ExternalID = &id
			}
			if session := args.string("sessionName", ""); session != "" {
				o.RoleSessionName = session
			}
		}
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client(), role, assume))
	}
	if skip, _ := args["skipCredentialsValidation"].(bool); !skip {
		if _, err := client().GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
			return aws.Config{}, fmt.Errorf("error validating provider credentials: %w", err)
		}
	}
	return cfg, nil
}

// endpoint returns the URL of an argument or of a variable of the backend's; nil stands for AWS's own.
func endpoint(args arguments, name, variable string) *string {
	if url := args.string(name, os.Getenv(variable)); url != "" {
		return &url
	}
	return nil
}

// readRemote reads the current state of a workspace in HCP Terraform or Terraform Enterprise. As in the official plugin,
// the token is an argument, and no variable or file of Terraform's gives it.
func readRemote(ctx context.Context, args arguments) ([]byte, error) {
	workspaces, _ := args["workspaces"].(map[string]any)
	workspace := arguments(workspaces).string("name", arguments(workspaces).string("prefix", ""))
	organization := args.string("organization", "")
	hostname := args.string("hostname", "app.terraform.io")
	if args.string("token", "") == "" {
		return nil, fmt.Errorf("required token could not be found for %s", hostname)
	}
	client, err := tfe.NewClient(&tfe.Config{
		Address: "https://" + hostname,
		Token:   args.string("token", ""),
	})
	if err != nil {
		return nil, err
	}
	found, err := client.Workspaces.Read(ctx, organization, workspace)
	if err != nil {
		return nil, fmt.Errorf("error reading workspace %s of organization %s: %w", workspace, organization, err)
	}
	current, err := client.StateVersions.ReadCurrent(ctx, found.ID)
	if err != nil {
		return nil, fmt.Errorf("error reading the state of workspace %s: %w", workspace, err)
	}
	return client.StateVersions.Download(ctx, current.DownloadURL)
}
