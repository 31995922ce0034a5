// One of the versions of `make terraforms`. Its source is built with the go.mod that comes with it.
module sagebridge/terraform-1.11

go 1.23.3

require github.com/hashicorp/terraform v1.11.4
