// The source of Pulumi's bridge to Terraform's providers. Only downloaded and checked against go.sum here; tools/build.py
// copies it, without a file that imports modules that no proxy serves, and builds with it in ../engine.
module sagebridge/bridge

go 1.25.11

require github.com/pulumi/pulumi-terraform-bridge/v3 v3.133.0
