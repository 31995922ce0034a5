// One of the versions of `make terraforms`. Its source is built with the go.mod that comes with it.
module sagebridge/terraform-1.5

go 1.18

require github.com/hashicorp/terraform v1.5.7
