// One of the versions of `make terraforms`. Its source is built with the go.mod that comes with it.
module sagebridge/opentofu-1.12

go 1.26.6

require github.com/opentofu/opentofu v1.12.6
