package main

import (
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// modules maps the prefix of a Terraform type to pulumi-aws's module.
var modules = map[string]string{
	"aws_appautoscaling_": "appautoscaling",
	"aws_cloudwatch_":     "cloudwatch",
	"aws_ecr_":            "ecr",
	"aws_iam_":            "iam",
	"aws_kms_":            "kms",
	"aws_s3_":             "s3",
	"aws_s3control_":      "s3control",
	"aws_sagemaker_":      "sagemaker",
	"aws_sns_":            "sns",
	"aws_sqs_":            "sqs",
}

// resourceNames are the types whose Pulumi name is not the rest of the Terraform name in PascalCase.
var resourceNames = map[string]string{
	"aws_iam_openid_connect_provider":         "OpenIdConnectProvider",
	"aws_iam_user_ssh_key":                    "SshKey",
	"aws_s3_bucket_analytics_configuration":   "AnalyticsConfiguration",
	"aws_s3_bucket_inventory":                 "Inventory",
	"aws_s3_bucket_replication_configuration": "BucketReplicationConfig",
	"aws_s3_object":                           "BucketObjectv2",
	"aws_sagemaker_human_task_ui":             "HumanTaskUI",
	"aws_sns_topic_data_protection_policy":    "DataProtectionPolicy",
	"aws_sqs_queue_redrive_allow_policy":      "RedriveAllowPolicy",
	"aws_sqs_queue_redrive_policy":            "RedrivePolicy",
}

// functionNames are the same of data sources.
var functionNames = map[string]string{
	"aws_iam_openid_connect_provider": "getOpenIdConnectProvider",
	"aws_kms_ciphertext":              "getCipherText",
}

// functionModules are the modules of data sources whose Terraform name has no service's prefix.
var functionModules = map[string]string{
	"aws_arn":               "index",
	"aws_caller_identity":   "index",
	"aws_canonical_user_id": "s3",
	"aws_default_tags":      "index",
	"aws_ip_ranges":         "index",
	"aws_partition":         "index",
	"aws_region":            "index",
	"aws_service":           "index",
	"aws_service_principal": "index",
}

func resourceToken(name string) (tokens.Type, bool) {
	module, rest, ok := split(name)
	if !ok {
		return "", false
	}
	typeName := resourceNames[name]
	if typeName == "" {
		typeName = pascal(rest)
	}
	return tfbridge.MakeResource("aws", module, typeName), true
}

func functionToken(name string) (tokens.ModuleMember, bool) {
	module, rest, ok := split(name)
	if !ok {
		return "", false
	}
	functionName := functionNames[name]
	if functionName == "" {
		functionName = "get" + pascal(rest)
	}
	return tfbridge.MakeDataSource("aws", module, functionName), true
}

// split takes aws_sagemaker_endpoint apart into the module sagemaker and the rest, endpoint.
func split(name string) (module, rest string, ok bool) {
	if module, ok := functionModules[name]; ok {
		return module, strings.TrimPrefix(name, "aws_"), true
	}
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
