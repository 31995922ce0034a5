package main

import (
	"context"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/contract"
)

// override adds what pulumi-aws says of single types and properties beyond the automatic mapping.
func override(info *tfbridge.ProviderInfo) {
	for name, fields := range fields() {
		for field, schema := range fields {
			info.Resources[name].Fields[field] = schema
		}
	}
	for name, resource := range info.Resources {
		upstream := info.P.ResourcesMap().Get(name).Schema()
		if _, ok := upstream.GetOk("tags_all"); ok {
			resource.Fields["tags_all"] = &tfbridge.SchemaInfo{MarkAsComputedOnly: tfbridge.True()}
		}
		// In the older of Terraform's libraries, every type has an `id` without saying so.
		if _, ok := upstream.GetOk("id"); !ok && info.P.(muxed).ResourceIsPF(name) {
			resource.ComputeID = identity(identities[name], upstream, resource.Fields)
		}
	}
	for _, name := range deletedBeforeReplaced {
		info.Resources[name].DeleteBeforeReplace = true
	}
	info.SetAutonaming(255, "-")
	for _, name := range renamedFromV2 {
		token := info.Resources[name].Tok
		old := tfbridge.MakeResource("aws", "s3", string(token.Name())+"V2")
		info.RenameResourceWithAlias(name, old, token, "s3", "s3", info.Resources[name])
	}
	addBucketV2(info)
	addCredentials(info)
}

// documents are the properties that take JSON as a string or as a dictionary.
var documents = map[string]string{
	"aws_cloudwatch_log_resource_policy": "policy_document",
	"aws_ecr_lifecycle_policy":           "policy",
	"aws_ecr_registry_policy":            "policy",
	"aws_ecr_repository_policy":          "policy",
	"aws_iam_group_policy":               "policy",
	"aws_iam_policy":                     "policy",
	"aws_iam_role":                       "assume_role_policy",
	"aws_iam_role_policy":                "policy",
	"aws_iam_user_policy":                "policy",
	"aws_s3_bucket":                      "policy",
	"aws_s3_bucket_policy":               "policy",
	"aws_sns_topic_policy":               "policy",
	"aws_sqs_queue_policy":               "policy",
}

// identities are the fields that make the ID of a type that has no `id` in Terraform.
var identities = map[string][]string{
	"aws_cloudwatch_contributor_insight_rule":           {"rule_name"},
	"aws_cloudwatch_contributor_managed_insight_rule":   {"arn"},
	"aws_cloudwatch_log_anomaly_detector":               {"arn"},
	"aws_cloudwatch_log_delivery_destination":           {"name"},
	"aws_cloudwatch_log_delivery_destination_policy":    {"delivery_destination_name"},
	"aws_cloudwatch_log_delivery_source":                {"name"},
	"aws_cloudwatch_log_index_policy":                   {"log_group_name"},
	"aws_cloudwatch_log_transformer":                    {"log_group_arn"},
	"aws_ecr_account_setting":                           {"name"},
	"aws_ecr_pull_time_update_exclusion":                {"principal_arn"},
	"aws_iam_group_policies_exclusive":                  {"group_name"},
	"aws_iam_group_policy_attachments_exclusive":        {"group_name"},
	"aws_iam_outbound_web_identity_federation":          {"issuer_identifier"},
	"aws_iam_role_policies_exclusive":                   {"role_name"},
	"aws_iam_role_policy_attachments_exclusive":         {"role_name"},
	"aws_iam_user_policies_exclusive":                   {"user_name"},
	"aws_iam_user_policy_attachments_exclusive":         {"user_name"},
	"aws_s3_bucket_abac":                                {"bucket"},
	"aws_s3_bucket_metadata_configuration":              {"bucket"},
	"aws_s3control_directory_bucket_access_point_scope": {"name", "account_id"},
	"aws_sagemaker_labeling_job":                        {"labeling_job_name"},
	"aws_sagemaker_model_card":                          {"model_card_name"},
	"aws_sagemaker_model_card_export_job":               {"model_card_export_job_arn"},
}

// deletedBeforeReplaced are the types of which AWS takes no second one beside the first.
var deletedBeforeReplaced = []string{
	"aws_cloudwatch_log_subscription_filter",
	"aws_ecr_lifecycle_policy",
	"aws_iam_account_alias",
	"aws_iam_group_policy_attachment",
	"aws_iam_policy_attachment",
	"aws_iam_role_policy_attachment",
	"aws_iam_user_policy_attachment",
}

// renamedFromV2 are the types that were called …V2 before pulumi-aws 7, which keeps the old names as well.
var renamedFromV2 = []string{
	"aws_s3_bucket_accelerate_configuration",
	"aws_s3_bucket_acl",
	"aws_s3_bucket_cors_configuration",
	"aws_s3_bucket_lifecycle_configuration",
	"aws_s3_bucket_logging",
	"aws_s3_bucket_object_lock_configuration",
	"aws_s3_bucket_request_payment_configuration",
	"aws_s3_bucket_server_side_encryption_configuration",
	"aws_s3_bucket_versioning",
	"aws_s3_bucket_website_configuration",
}

func fields() map[string]map[string]*tfbridge.SchemaInfo {
	object := map[string]*tfbridge.SchemaInfo{
		"key": {Default: &tfbridge.DefaultInfo{
			From: func(res *tfbridge.PulumiResource) (any, error) { return string(res.URN.Name()), nil },
		}},
		"source": {Asset: &tfbridge.AssetTranslation{Kind: tfbridge.FileAsset}},
	}
	fields := map[string]map[string]*tfbridge.SchemaInfo{
		"aws_appautoscaling_scheduled_action": {"scalable_target_action": nested(map[string]*tfbridge.SchemaInfo{
			"max_capacity": {Type: "integer"},
			"min_capacity": {Type: "integer"},
		})},
		"aws_cloudwatch_log_subscription_filter": {"log_group_name": {Name: "logGroup"}},
		"aws_cloudwatch_metric_alarm":            {"alarm_name": tfbridge.AutoName("name", 255, "-")},
		"aws_iam_role": {
			"name":          tfbridge.AutoName("name", 64, "-"),
			"inline_policy": nested(map[string]*tfbridge.SchemaInfo{"name": tfbridge.AutoName("name", 128, "-")}),
		},
		"aws_kms_alias":        {"name": autoName(238, func(*tfbridge.PulumiResource) (string, string) { return "alias/", "" })},
		"aws_s3_bucket":        {"bucket": bucketName()},
		"aws_s3_bucket_object": object,
		"aws_s3_bucket_website_configuration": {
			"routing_rule":  {Name: "routingRules"},
			"routing_rules": {Name: "routingRuleDetails"},
		},
		"aws_s3_object":              object,
		"aws_sns_topic":              {"name": autoName(80, fifo("fifoTopic"))},
		"aws_sns_topic_subscription": {"topic_arn": {Name: "topic"}},
		"aws_sqs_queue":              {"name": autoName(80, fifo("fifoQueue"))},
	}
	for name, field := range documents {
		if fields[name] == nil {
			fields[name] = map[string]*tfbridge.SchemaInfo{}
		}
		fields[name][field] = &tfbridge.SchemaInfo{Type: "string", Transform: tfbridge.TransformJSONDocument}
	}
	return fields
}

func nested(fields map[string]*tfbridge.SchemaInfo) *tfbridge.SchemaInfo {
	return &tfbridge.SchemaInfo{Elem: &tfbridge.SchemaInfo{Fields: fields}}
}

// list is a nested block that stays a list, under a name in the plural, though Terraform allows no second element.
func list(name string, fields map[string]*tfbridge.SchemaInfo) *tfbridge.SchemaInfo {
	info := nested(fields)
	info.Name, info.MaxItemsOne = name, tfbridge.False()
	return info
}

func bucketName() *tfbridge.SchemaInfo {
	return tfbridge.AutoNameTransform("bucket", 63, strings.ToLower)
}

// autoName returns a name that AWS wants with something before or after it.
func autoName(length int, around func(*tfbridge.PulumiResource) (before, after string)) *tfbridge.SchemaInfo {
	return tfbridge.AutoNameWithCustomOptions("name", tfbridge.AutoNameOptions{
		Separator: "-",
		Maxlen:    length,
		Randlen:   7,
		PostTransform: func(res *tfbridge.PulumiResource, name string) (string, error) {
			before, after := around(res)
			return before + strings.TrimPrefix(name, before) + after, nil
		},
	})
}

// fifo gives the names of queues and topics that keep the order the end that AWS demands.
func fifo(property resource.PropertyKey) func(*tfbridge.PulumiResource) (string, string) {
	return func(res *tfbridge.PulumiResource) (string, string) {
		if value, ok := res.Properties[property]; ok && value.IsBool() && value.BoolValue() {
			return "", ".fifo"
		}
		return "", ""
	}
}

// identity returns a function that joins the values of fields to an ID.
func identity(
	fields []string, upstream shim.SchemaMap, infos map[string]*tfbridge.SchemaInfo,
) func(context.Context, resource.PropertyMap) (resource.ID, error) {
	contract.Assertf(len(fields) > 0, "the table of identities lacks a type that has no id")
	return func(_ context.Context, state resource.PropertyMap) (resource.ID, error) {
		var parts []string
		for _, field := range fields {
			property := resource.PropertyKey(tfbridge.TerraformToPulumiNameV2(field, upstream, infos))
			if value, ok := state[property]; ok && value.IsString() {
				parts = append(parts, value.StringValue())
			}
		}
		return resource.ID(strings.Join(parts, ",")), nil
	}
}

// addBucketV2 adds aws.s3.BucketV2, which has lists where aws.s3.Bucket has single blocks.
func addBucketV2(info *tfbridge.ProviderInfo) {
	const name = "aws_s3_bucket_v2_compat" // pulumi-aws's name for it
	err := shim.CloneResource(info.P.ResourcesMap(), "aws_s3_bucket", name)
	contract.AssertNoErrorf(err, "the provider has no aws_s3_bucket")
	type fields = map[string]*tfbridge.SchemaInfo
	info.Resources[name] = &tfbridge.ResourceInfo{
		Tok: tfbridge.MakeResource("aws", "s3", "BucketV2"),
		Fields: fields{
			"bucket": bucketName(),
			"lifecycle_rule": nested(fields{
				"expiration":                    list("expirations", nil),
				"noncurrent_version_expiration": list("noncurrentVersionExpirations", nil),
			}),
			"logging": list("loggings", nil),
			"object_lock_configuration": nested(fields{
				"rule": list("rules", fields{"default_retention": list("defaultRetentions", nil)}),
			}),
			"replication_configuration": list("replicationConfigurations", fields{
				"rules": nested(fields{
					"destination": list("destinations", fields{
						"access_control_translation": list("accessControlTranslations", nil),
						"metrics":                    list("", nil),
						"replication_time":           list("replicationTimes", nil),
					}),
					"filter": list("filters", nil),
					"source_selection_criteria": list("sourceSelectionCriterias", fields{
						"sse_kms_encrypted_objects": list("sseKmsEncryptedObjects", nil),
					}),
				}),
			}),
			"server_side_encryption_configuration": list("serverSideEncryptionConfigurations", fields{
				"rule": list("rules", fields{
					"apply_server_side_encryption_by_default": list("applyServerSideEncryptionByDefaults", nil),
				}),
			}),
			"versioning": list("versionings", nil),
			"website":    list("websites", nil),
		},
	}
	old := string(info.Resources[name].Tok)
	info.Resources["aws_s3_bucket"].Aliases = []tfbridge.AliasInfo{{Type: &old}}
}

// addCredentials adds aws.ecr.get_credentials, the older name of aws.ecr.get_authorization_token.
func addCredentials(info *tfbridge.ProviderInfo) {
	const name = "aws_ecr_credentials"
	err := shim.CloneResource(info.P.DataSourcesMap(), "aws_ecr_authorization_token", name)
	contract.AssertNoErrorf(err, "the provider has no aws_ecr_authorization_token")
	info.DataSources[name] = &tfbridge.DataSourceInfo{
		Tok: tfbridge.MakeDataSource("aws", "ecr", "getCredentials"),
		Fields: map[string]*tfbridge.SchemaInfo{
			"region":      {Omit: true},
			"registry_id": {MarkAsOptional: tfbridge.False()},
		},
	}
}
