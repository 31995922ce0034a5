// The sources of libraries that are changed. Only downloaded and checked against go.sum here; tools/build.py copies and
// changes them, and builds with them in ../engine.
module sagebridge/libraries

go 1.25.11

require (
	github.com/ccojocar/zxcvbn-go v1.0.1
	github.com/hashicorp/terraform-plugin-framework v1.19.0
	github.com/nbutton23/zxcvbn-go v0.0.0-20180912185939-ae427f1e4c1d
)
