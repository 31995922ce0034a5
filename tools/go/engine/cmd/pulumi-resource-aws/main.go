// Command pulumi-resource-aws serves hashicorp/terraform-provider-aws as Pulumi's `aws` plugin, for machines that cannot
// download the official one. It is built from the same source as this project's Terraform provider, trimmed to the
// services in tools/build.py, and uses pulumi-aws's tokens, names and auto-naming, so that a program
// written for the official plugin runs unchanged. tests/tools checks the tokens against the pulumi_aws package.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-provider-aws/xpprovider"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
)

// version of the pulumi_aws package whose calls this plugin answers; set by the build.
var version = "0.0.0"

// modules maps the prefix of a Terraform type to pulumi-aws's module.
var modules = map[string]string{
	"aws_appautoscaling_": "appautoscaling",
	"aws_cloudwatch_":     "cloudwatch",
	"aws_iam_":            "iam",
	"aws_s3_":             "s3",
	"aws_s3control_":      "s3control",
	"aws_sagemaker_":      "sagemaker",
}

// typeNames are the types whose Pulumi name is not the Terraform name in PascalCase.
var typeNames = map[string]string{
	"aws_iam_openid_connect_provider":         "OpenIdConnectProvider",
	"aws_iam_user_ssh_key":                    "SshKey",
	"aws_s3_bucket_analytics_configuration":   "AnalyticsConfiguration",
	"aws_s3_bucket_inventory":                 "Inventory",
	"aws_s3_bucket_replication_configuration": "BucketReplicationConfig",
	"aws_s3_object":                           "BucketObjectv2",
	"aws_sagemaker_human_task_ui":             "HumanTaskUI",
}

func main() {
	upstream, err := xpprovider.GetProviderSchema(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-aws:", err)
		os.Exit(1)
	}
	tfbridge.Main("aws", version, provider(upstream), []byte(`{"name":"aws","version":"`+version+`"}`))
}

func provider(upstream *schema.Provider) tfbridge.ProviderInfo {
	resources := map[string]*tfbridge.ResourceInfo{}
	for name := range upstream.ResourcesMap {
		if module, rest, ok := split(name); ok {
			typeName := typeNames[name]
			if typeName == "" {
				typeName = pascal(rest)
			}
			resources[name] = &tfbridge.ResourceInfo{Tok: tfbridge.MakeResource("aws", module, typeName)}
		} else {
			delete(upstream.ResourcesMap, name)
		}
	}
	dataSources := map[string]*tfbridge.DataSourceInfo{}
	for name := range upstream.DataSourcesMap {
		if module, rest, ok := split(name); ok {
			dataSources[name] = &tfbridge.DataSourceInfo{Tok: tfbridge.MakeDataSource("aws", module, "get"+pascal(rest))}
		} else if name == "aws_caller_identity" {
			dataSources[name] = &tfbridge.DataSourceInfo{Tok: "aws:index/getCallerIdentity:getCallerIdentity"}
		} else {
			delete(upstream.DataSourcesMap, name)
		}
	}
	info := tfbridge.ProviderInfo{
		P:              shimv2.NewProvider(upstream),
		Name:           "aws",
		Version:        version,
		ResourcePrefix: "aws",
		Resources:      resources,
		DataSources:    dataSources,
		Config: map[string]*tfbridge.SchemaInfo{
			"region":     {Default: &tfbridge.DefaultInfo{EnvVars: []string{"AWS_REGION", "AWS_DEFAULT_REGION"}}},
			"access_key": {Secret: tfbridge.True()},
			"secret_key": {Secret: tfbridge.True()},
			"token":      {Secret: tfbridge.True()},
		},
	}
	info.SetAutonaming(255, "-")
	setFields(resources)
	return info
}

// setFields adds what pulumi-aws says of single properties beyond the automatic mapping.
func setFields(resources map[string]*tfbridge.ResourceInfo) {
	set := func(resource, field string, info *tfbridge.SchemaInfo) {
		r := resources[resource]
		if r.Fields == nil {
			r.Fields = map[string]*tfbridge.SchemaInfo{}
		}
		r.Fields[field] = info
	}
	set("aws_cloudwatch_metric_alarm", "alarm_name", tfbridge.AutoName("name", 255, "-"))
	set("aws_s3_bucket", "bucket", tfbridge.AutoNameTransform("bucket", 63, strings.ToLower))
	for _, object := range []string{"aws_s3_object", "aws_s3_bucket_object"} {
		set(object, "key", &tfbridge.SchemaInfo{Default: &tfbridge.DefaultInfo{
			From: func(res *tfbridge.PulumiResource) (any, error) { return string(res.URN.Name()), nil },
		}})
		set(object, "source", &tfbridge.SchemaInfo{Asset: &tfbridge.AssetTranslation{Kind: tfbridge.FileAsset}})
	}
}

// split takes aws_sagemaker_endpoint apart into the module sagemaker and the rest, endpoint.
func split(name string) (module, rest string, ok bool) {
	for prefix, module := range modules {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return module, rest, true
		}
	}
	return "", "", false
}

func pascal(snake string) string {
	var b strings.Builder
	for _, word := range strings.Split(snake, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
