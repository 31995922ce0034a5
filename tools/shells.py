"""Makes ``docs/every-shell.md``: what becomes of each variable that the tools read, from the rules themselves."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from sagebridge.local import control, environment
from sagebridge.local.environment import Decision, Rule, rule_for
from tools import variables
from tools.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "every-shell.md"
READ = {
    "AWS: botocore, the AWS command, and the AWS SDKs for Go v1 and v2": (
        *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_ACCOUNT_ID", "AWS_ACCOUNT_ID_ENDPOINT_MODE"),
        *("AWS_AUTH_SCHEME_PREFERENCE", "AWS_CA_BUNDLE", "AWS_CLI_AUTO_PROMPT", "AWS_CLI_FILE_ENCODING"),
        *("AWS_CONFIG_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CREDENTIAL_EXPIRATION"),
        *("AWS_CREDENTIAL_FILE", "AWS_CSM_CLIENT_ID", "AWS_CSM_ENABLED", "AWS_CSM_HOST", "AWS_CSM_PORT"),
        *("AWS_DATA_PATH", "AWS_DEFAULTS_MODE", "AWS_DEFAULT_OUTPUT", "AWS_DEFAULT_PROFILE", "AWS_DEFAULT_REGION"),
        *("AWS_DISABLE_HOST_PREFIX_INJECTION", "AWS_DISABLE_REQUEST_COMPRESSION", "AWS_EC2_METADATA_DISABLED"),
        *("AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"),
        *("AWS_EC2_METADATA_V1_DISABLED", "AWS_ENABLE_ENDPOINT_DISCOVERY", "AWS_ENDPOINT_DISCOVERY_ENABLED"),
        *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_*", "AWS_EXECUTION_ENV", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
        *("AWS_IMDS_USE_IPV6", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LOGIN_CACHE_DIRECTORY", "AWS_MAX_ATTEMPTS"),
        *("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "AWS_METADATA_SERVICE_TIMEOUT", "AWS_PAGER", "AWS_PROFILE"),
        *("AWS_REGION", "AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES"),
        *("AWS_RESPONSE_CHECKSUM_VALIDATION", "AWS_RESTRICT_FILE_PERMISSIONS", "AWS_RETRY_MODE", "AWS_ROLE_ARN"),
        *("AWS_ROLE_SESSION_NAME", "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH", "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS"),
        *("AWS_S3_USE_ARN_REGION", "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "AWS_SDK_GO_CLIENT_TLS_CERT"),
        *("AWS_SDK_GO_CLIENT_TLS_KEY", "AWS_SDK_LOAD_CONFIG", "AWS_SDK_UA_APP_ID", "AWS_SECRET_ACCESS_KEY"),
        *("AWS_SECRET_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN", "AWS_SHARED_CREDENTIALS_FILE"),
        *("AWS_SIGV4A_SIGNING_REGION_SET", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_USE_DUALSTACK_ENDPOINT"),
        *("AWS_USE_FIPS_ENDPOINT", "AWS_WEB_IDENTITY_TOKEN_FILE", "BOTOCORE_EXPERIMENTAL__PLUGINS"),
        *("BOTOCORE_TCP_KEEPALIVE", "BOTO_CONFIG", "BOTO_DISABLE_CRT", "BOTO_EXPERIMENTAL__ADD_PROXY_HOST_HEADER"),
        "BOTO_EXPERIMENTAL__NO_EMPTY_CONTINUE",
    ),
    "Terraform, OpenTofu, their S3 backend, and the AWS provider": (
        *("AWS_DYNAMODB_ENDPOINT", "AWS_IAM_ENDPOINT", "AWS_METADATA_URL", "AWS_S3_ENDPOINT", "AWS_SSE_CUSTOMER_KEY"),
        *("AWS_STS_ENDPOINT", "CHECKPOINT_DISABLE", "TERRAFORM_CONFIG", "TF_APPEND_USER_AGENT"),
        *("TF_AWS_DEFAULT_TAGS_*", "TF_AWS_DYNAMODB_ENDPOINT", "TF_AWS_IAM_ENDPOINT", "TF_AWS_IGNORE_TAGS_KEYS"),
        *("TF_AWS_IGNORE_TAGS_KEY_PREFIXES", "TF_AWS_S3_ENDPOINT", "TF_AWS_STS_ENDPOINT"),
        *("TF_AWS_TAG_POLICY_COMPLIANCE", "TF_CLI_ARGS", "TF_CLI_ARGS_*", "TF_CLI_CONFIG_FILE"),
        *("TF_CLOUD_HOSTNAME", "TF_CLOUD_ORGANIZATION", "TF_CLOUD_PROJECT", "TF_DATA_DIR", "TF_ENCRYPTION"),
        *("TF_FORCE_LOCAL_BACKEND", "TF_HTTP_*", "TF_IGNORE", "TF_INPUT", "TF_IN_AUTOMATION", "TF_LOG", "TF_LOG_CORE"),
        *("TF_LOG_PATH", "TF_LOG_PROVIDER", "TF_PLUGIN_CACHE_DIR", "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"),
        *("TF_PROVIDER_DOWNLOAD_RETRY", "TF_REATTACH_PROVIDERS", "TF_REGISTRY_CLIENT_TIMEOUT"),
        *("TF_REGISTRY_DISCOVERY_RETRY", "TF_STATE_PERSIST_INTERVAL", "TF_TOKEN_*", "TF_VAR_*", "TF_WORKSPACE"),
    ),
    "Pulumi and its Python host": (
        *("PULUMI_ACCESS_TOKEN", "PULUMI_API", "PULUMI_BACKEND_URL", "PULUMI_CLOUD_SECRET_OVERRIDE", "PULUMI_CONFIG"),
        *("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_CONTINUE_ON_ERROR"),
        *("PULUMI_DEBUG_COMMANDS", "PULUMI_DEBUG_GRPC", "PULUMI_DEBUG_LANGUAGES", "PULUMI_DEBUG_PROVIDERS"),
        *("PULUMI_DEV", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "PULUMI_DISABLE_OUTPUT_VALUES"),
        *("PULUMI_DISABLE_PROVIDER_PREVIEW", "PULUMI_DISABLE_REFRESH_BEFORE_UPDATE"),
        *("PULUMI_DISABLE_RESOURCE_REFERENCES", "PULUMI_DIY_BACKEND_*", "PULUMI_ENABLE_LEGACY_*"),
        *("PULUMI_ERROR_OUTPUT_STRING", "PULUMI_EXPERIMENTAL", "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"),
        *("PULUMI_HOME", "PULUMI_IGNORE_AMBIENT_PLUGINS", "PULUMI_OPTION_*", "PULUMI_PARALLEL"),
        *("PULUMI_PARALLEL_DIFF", "PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES", "PULUMI_PYTHON_CMD", "PULUMI_RUN_PROGRAM"),
        *("PULUMI_SKIP_CHECKPOINTS", "PULUMI_SKIP_CONFIRMATIONS", "PULUMI_SKIP_UPDATE_CHECK", "PULUMI_STACK"),
        "PULUMI_SUPPRESS_NEO_LINK",
    ),
    "Connections, shells and Python": (
        *("ALL_PROXY", "BASH_ENV", "CURL_CA_BUNDLE", "ENV", "HTTPS_PROXY", "HTTP_PROXY", "LOCAL_AWS_DIR", "NO_PROXY"),
        *(
            "PATH",
            "PIP_DISABLE_PIP_VERSION_CHECK",
            "PYTHONHOME",
            "PYTHONINSPECT",
            "PYTHONOPTIMIZE",
            "PYTHONPATH",
            "PYTHONSAFEPATH",
            "PYTHONWARNINGS",
        ),
        *("REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE", "XDG_CACHE_HOME", "XDG_STATE_HOME", "all_proxy"),
        *("http_proxy", "https_proxy", "no_proxy"),
    ),
}
"""The variables that each tool reads.

Their sources: botocore 1.44 (`configprovider.py`, `credentials.py`, `utils.py`); aws-sdk-go-v2/config 1.32
(`env_config.go`); aws-sdk-go 1.55 (`aws/session/env_config.go`); aws-sdk-go-base 2; terraform-provider-aws 6.34;
Terraform 1.11 and OpenTofu 1.10, with their documentation; pulumi/sdk and pulumi/pkg 3.246.
"""

HEAD = """\
<!-- Made by `make docs` from the rules in the code: change these, not this page. -->
# In every shell

`eval "$(sagebridge local env)"` makes a shell in which `aws`, boto3, Terraform and Pulumi use the local AWS, whatever
the shell has set before. So do `eval "$(make -s env)"` and the words of `make` in the checkout of Sagebridge. Both
print lines for bash, dash, zsh and other shells of POSIX's kind; `sagebridge local env --json` is for programs. They
act on the shell that evaluates them, and on no other.

## No local command reaches a real account

1. **No credentials are within reach.** Keys, tokens and roles of the shell are unset, the credentials file is an empty
   one, and the metadata service of the machine is not asked. The keys of the local AWS are the word `local`, which AWS
   refuses.
2. **Every address is on this machine.** The only config file is that of the local AWS. Its only profile is `local`,
   and the `endpoint_url` of this profile holds for every service. Another profile is not found, and what would win over
   the profile is unset.
3. **What is not known is unset.** Of the variables that begin with `AWS_`, `BOTO`, `TF_` and `PULUMI_`, only those stay
   that a rule keeps, so that a variable of a tool's next version cannot lead elsewhere.
4. **A shell does not go on after an error.** If something is wrong, such as a folder that cannot be written, the lines
   end with `false`: `eval` fails, and a script with `set -e`, or what follows `&&`, stops. The lines before it hide the
   credentials all the same.
5. **A module and a stack do not lead elsewhere.** `sagebridge local configure terraform` replaces what a module says of
   its provider (keys, roles, profile, endpoints, proxy) and of its backend, and `sagebridge local configure pulumi`
   refuses a stack with settings of its own. Both name the profile `local`, without which nothing runs.

Tests run boto3, Terraform and Pulumi with each kind of these variables and with all of them together, beside a server
in place of AWS and of a proxy. They fail if any request arrives there.

Three things are out of reach of variables. Functions and aliases of your shell, such as an `aws` that calls another
program, still do what they do. A hook of your shell that sets variables anew, such as direnv's, does so after `eval`
too. And code that names an address or a config file itself goes there: an explicit `aws.Provider` with `endpoints`, or
a module inside your Terraform module with a provider of its own.

## Variables

"Kept" means that the variable stays as it is, "set" that it gets another value, and "unset" that it is taken out of the
environment. `*` stands for any rest of a name. What is not listed and has none of the prefixes above is kept.
"""
SERVER = """\
The commands `sagebridge local start`, `stop`, `status`, `reset`, `times` and `fault` read only `LOCAL_AWS_DIR`,
`XDG_STATE_HOME` and `HOME`, and use no proxy. A variable of XDG's that is not an absolute path is passed over, as XDG
demands. The models get nothing of your environment, and the server only these variables:
{names}.
"""
SETUP = """\
## pip, uv and Go

Of the variables that begin with `PIP_`, `UV_` and `PYTHON`, the words of `make` keep those that say where packages come
from and how to connect. They unset all others, which would install elsewhere, or have Python import other modules than
those of `.venv`. While Go builds the engine, `GOOS`, `GOARCH`, `GOEXPERIMENT`, `GO111MODULE`, `GOFLAGS`, `GOWORK` and
`CGO_ENABLED` are set. The package `sagebridge` leaves all of these alone. The words of `make` keep:
{names}.
"""


def page() -> str:
    """Returns the page."""
    tables = [f"### {tool}\n\n{_table(names)}" for tool, names in READ.items()]
    passed = _listed(control.PASSED)
    return "\n".join([HEAD, *tables, SERVER.format(names=passed), SETUP.format(names=_listed(kept_by_setup()))])


def kept_by_setup() -> list[str]:
    """Returns the variables of pip, uv and Python that the Makefile keeps."""
    makefile = (CHECKOUT / "Makefile").read_text()
    kept: str = re.findall(r"^KEPT := ((?:.*\\\n)*.*)", makefile, re.MULTILINE)[0]
    return kept.replace("\\", "").replace("%", "*").split()


def _table(names: Iterable[str]) -> str:
    """Returns a row for the variables on which the same rules decide; the rules' order is the rows'."""
    rules = {name: (_rule(name, environment.RULES), _rule(name, variables.RULES)) for name in names}
    order = [*variables.RULES, _DEFAULT]
    rows = groupby(sorted(rules, key=lambda name: [order.index(rule) for rule in rules[name]]), key=rules.__getitem__)
    return "".join(
        [
            "| variables | `sagebridge local env` | `make env`, `up`, `down`, `test` | why |\n|---|---|---|---|\n",
            *(
                f"| {_listed(row)} | {local.decision} | {make.decision} | {_why(local, make)} |\n"
                for (local, make), row in rows
            ),
        ]
    )


_DEFAULT = Rule((), Decision.KEPT, "It does not lead to another account, state or folder.")


def _rule(name: str, rules: Sequence[Rule]) -> Rule:
    return rule_for(name, rules) or _DEFAULT


def _why(local: Rule, make: Rule) -> str:
    return local.reason if local == make else f"{local.reason} With `make`: {make.reason[0].lower()}{make.reason[1:]}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page())
