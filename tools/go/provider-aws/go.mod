// The source of the AWS provider: upstream v6.34.0 with an exported package `xpprovider`. Only downloaded and checked
// against go.sum here; tools/build.py copies it, trims it and builds it in ../engine.
module sagebridge/provider-aws

go 1.25.11

require github.com/hashicorp/terraform-provider-aws v0.0.0

replace github.com/hashicorp/terraform-provider-aws => github.com/upbound/terraform-provider-aws v0.0.0-20260305123303-f7691456b787
