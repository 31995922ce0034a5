// One of the versions of `make terraforms`. Its source is built with the go.mod that comes with it.
module sagebridge/terraform-1.13

go 1.24.5

require github.com/hashicorp/terraform v1.13.3
