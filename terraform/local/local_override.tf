# The local AWS of this machine. Terraform merges this into the module's own provider block.
provider "aws" {
  # Endpoint, region and credentials come from this profile of AWS_CONFIG_FILE. Without the profile nothing runs, so
  # these settings cannot reach a real account by mistake.
  profile           = "local"
  s3_use_path_style = true

  # Either check tells the provider its account, and then it calls S3 Control at <account>.<host>, a name that a
  # loopback address does not have.
  skip_credentials_validation = true
  skip_requesting_account_id  = true

  # A server that is not running stays so: say it in seconds instead of after 25 tries.
  max_retries = 2
}
