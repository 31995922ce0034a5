# terraform/base on the local AWS of this machine.
force_destroy = true
