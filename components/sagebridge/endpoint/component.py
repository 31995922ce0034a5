"""A SageMaker endpoint of any kind: models, endpoint configuration, endpoint, and what scales and watches it."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
import pulumi_aws as aws

from sagebridge import _aws, _provider, _sdk
from sagebridge.endpoint import grants
from sagebridge.endpoint import outputs as late
from sagebridge.endpoint import resources as build
from sagebridge.endpoint.args import DEFAULT_INSTANCE_TYPE, SageMakerEndpointArgs, VariantArgs
from sagebridge.endpoint.parts import (
    ROLLBACK,
    all_variants,
    at,
    containers,
    endpoint_kind,
    model_path,
    models,
    scaled,
    variants,
)
from sagebridge.endpoint.rules import validate
from sagebridge.guards import checks, hooks, replacement, retained
from sagebridge.images import archive, uris
from sagebridge.monitoring import alarms, dashboard
from sagebridge.scaling import autoscaling
from sagebridge.validation import message

__all__ = ["SageMakerEndpoint", "SageMakerEndpointArgs"]

Args = Mapping[str, Any]


class SageMakerEndpoint(pulumi.ComponentResource):
    """Models → EndpointConfiguration → Endpoint.

    Models and configuration are auto-named, so that a change makes new ones, updates the endpoint in place and only
    then deletes the old ones; the endpoint alone has a name of its own (the provider deletes before it replaces
    whatever is named explicitly). After each rollout the endpoint must run the configuration that was asked for; if it
    does not, the update fails and what is serving stays. A change that would replace the endpoint is refused.

    Of the options, ``protect`` protects the endpoint and all that hangs on it from ``pulumi destroy``, and from going
    when the component is taken out of the program; what is behind the endpoint may still be replaced, as every update
    does. To take away the last of scaling, dashboard and grants, take ``protect`` away first.
    ``provider`` says account and region of all that is made; without it they are the stack's ``aws:…`` configuration.
    ``import_`` is the argument ``import_endpoint``.
    """

    endpoint_name: pulumi.Output[str]
    """Name to invoke."""
    endpoint_arn: pulumi.Output[str]
    """ARN of the endpoint."""
    endpoint_config_name: pulumi.Output[str]
    """Name of the configuration that the endpoint runs."""
    model_name: pulumi.Output[str]
    """Name of the first variant's model."""
    model_data_url: pulumi.Output[str] | None
    """S3 URL of the archive that is served; of several the first, None if there is none."""

    def __init__(self, name: str, args: SageMakerEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declares the endpoint.

        Args:
            name: name of the component; the children's names derive from it.
            args: see :class:`SageMakerEndpointArgs`.
            opts: options of the component; children inherit what Pulumi lets them inherit.

        Raises:
            pulumi.RunError: AWS would refuse the arguments; names each problem, or an archive is not there or does not
                fit its image. Arguments that are outputs are checked as soon as they are known, before AWS is called.
        """

        def check(given: Args) -> None:
            if problems := validate(name, given):
                raise pulumi.RunError(message(f"SageMakerEndpoint {name!r} cannot be made", problems))

        _sdk.end_quietly()
        check(args)
        _sdk.once(_sdk.serve_hooks)
        given = late.checked(build.without_none(args), check)
        guard = _sdk.once(replacement.hooks, given.get("allow_replacement", False))
        merged = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(hooks=guard))
        settings = _provider.settings(opts)
        region = (
            pulumi.Output.unsecret(settings.apply(_aws.region))
            if isinstance(settings, pulumi.Output)
            else _aws.region(settings)
        )
        super().__init__("sagebridge:index:SageMakerEndpoint", name, replacement.recorded(given, region), merged)
        self._args, self._settings = given, settings
        self._parent = opts.parent if opts else None
        # Protected with the component, they could not be replaced, and so the endpoint never updated.
        self._child = pulumi.ResourceOptions(parent=self, protect=False)

        self.model_data_url = None
        names = {path: self._model(path, own).name for path, own in models(given)}
        configuration = self._configuration({path: names[model_path(path, own)] for path, own in all_variants(given)})
        plain_name = given.get("endpoint_name")
        watching = self._alarms(plain_name) if isinstance(plain_name, str) else []  # before what they roll back
        registered = self._registration()
        endpoint = self._endpoint(configuration.name, [*watching, *registered])
        self.endpoint_name = endpoint.name
        self.endpoint_arn = endpoint.arn
        self.endpoint_config_name = endpoint.endpoint_config_name
        self.model_name = names[model_path(*variants(given)[0])]
        if not watching:
            self._alarms(endpoint.name)
        for stash in registered:
            self._autoscaling(autoscaling.after(stash, endpoint.name))
        if given.get("dashboard"):
            self._dashboard()
        if registered or given.get("dashboard") or ("alarms" in given and not watching):
            _sdk.once(self._protection)
        outputs = {
            "endpointName": self.endpoint_name,
            "endpointArn": self.endpoint_arn,
            "endpointConfigName": self.endpoint_config_name,
            "modelName": self.model_name,
        }
        self.register_outputs(outputs | ({"modelDataUrl": self.model_data_url} if self.model_data_url else {}))

    def grant_invoke(self, name: str, role: pulumi.Input[str]) -> "aws.iam.RolePolicy":
        """Gives a role the least policy to invoke the endpoint and, if it is asynchronous, to read the answers.

        Args:
            name: name of the policy's resource.
            role: name of the role.
        """
        asynchronous = self._args.get("async_inference_config")
        fields = ("s3_output_path", "s3_failure_path")
        paths = [asynchronous[field] for field in fields if field in asynchronous] if asynchronous else None
        _sdk.once(self._protection)
        return grants.grant_invoke(name, role, self.endpoint_arn, paths, self._child)

    def _protection(self) -> pulumi.Stash:
        """Declares what is deleted before all the rest, and so, while it is protected, stops the deletion at its start.

        Without it, what hangs on a protected endpoint, as its scaling, would be gone before the endpoint refuses to go.
        It keeps nothing in AWS.
        """
        opts = pulumi.ResourceOptions(parent=self._parent, protect=_sdk.is_protected(self), depends_on=[self])
        return pulumi.Stash(f"{self.pulumi_resource_name}-protection", input=self.pulumi_resource_name, opts=opts)

    def _model(self, path: str, own: Args) -> aws.sagemaker.Model:
        suffix = f"-{own['variant_name']}-model" if path else "-model"
        loaded = [self._loaded(where, container, path) for where, container in containers(path, own)]
        whole = {**own, "containers": loaded} if "containers" in own else loaded[0]
        return aws.sagemaker.Model(f"{self.pulumi_resource_name}{suffix}", build.model(self._args, whole), self._child)

    def _loaded(self, path: str, container: Args, model: str) -> Args:
        """Returns a container with its image found and its archive checked."""
        image = self._image(path, container, model) if "framework" in container else container.get("image")
        found = {**container, "image": image} if image is not None else container
        if container.get("mode", "SingleModel") != "SingleModel":
            return found  # a prefix, to which archives may be added at any time
        if "model_data_url" in container:
            url = archive.checked(at(path, "model_data_url"), container["model_data_url"], image, self)
            self.model_data_url = self.model_data_url or url
            return {**found, "model_data_url": url}
        source = container.get("model_data_source", {})
        if source.get("s3_data_type") == "S3Object" and source.get("compression_type") == "Gzip":
            uri = archive.checked(at(path, "model_data_source.s3_uri"), source["s3_uri"], image, self)
            return {**found, "model_data_source": {**source, "s3_uri": uri}}
        return found  # what is not compressed says nothing of its versions

    def _image(self, path: str, container: Args, model: str) -> pulumi.Output[str]:
        """Returns the URI of AWS's image, for the instances of all variants that run the model."""
        users = [own for where, own in all_variants(self._args) if model_path(where, own) == model]
        types = [
            None if "serverless_config" in own else own.get("instance_type", DEFAULT_INSTANCE_TYPE) for own in users
        ]

        def find(known: Sequence[Any]) -> str:
            settings, *instance_types = known
            framework, version = container["framework"], container["framework_version"]
            found = uris.shared_image_uri(framework, version, _aws.region(settings) or "", instance_types)
            if isinstance(found, str):
                return found
            problems = [problem._replace(property=at(path, problem.property)) for problem in found]
            raise pulumi.RunError(message(f"SageMakerEndpoint {self.pulumi_resource_name!r} cannot be made", problems))

        return pulumi.Output.all(self._settings, *types).apply(find)

    def _configuration(self, model_names: Mapping[str, pulumi.Input[str]]) -> aws.sagemaker.EndpointConfiguration:
        """Declares the configuration: of variants that scale, with the capacity that they have."""
        args, tags, capacities = self._args, self._args.get("tags"), {}
        retaining, name = self._retaining(), self._endpoint_name
        if retaining and name is not None:
            rest = build.configuration(args, model_names, dict.fromkeys(retaining, 0))
            whole = {**rest, "deployment_config": self._deployment()}
            generation = retained.generation(f"{self.pulumi_resource_name}-generation", whole, self._child)
            found = retained.capacities(generation, self._settings, name, retaining)
            capacities = {variant: found[variant] for variant in retaining}
            tags = retained.tagged(tags or {}, generation)
        built = build.configuration(args, model_names, capacities)
        # AWS takes no update to the configuration that runs, not even one that changes the deployment alone.
        renewed = pulumi.ResourceOptions(replacement_trigger=self._deployment() or {})
        opts = pulumi.ResourceOptions.merge(self._child, renewed)
        return aws.sagemaker.EndpointConfiguration(f"{self.pulumi_resource_name}-config", **built, tags=tags, opts=opts)

    def _deployment(self) -> Any:  # noqa: ANN401 - a dictionary of pulumi-aws
        config = self._args.get("deployment_config")
        return None if config is None else build.deployment(config, self._rollback_alarms(config))

    @property
    def _endpoint_name(self) -> pulumi.Input[str] | None:
        """The endpoint's name as far as it is known before the endpoint is."""
        name: pulumi.Input[str] | None = self._args.get("endpoint_name") or self._args.get("import_endpoint")
        return name

    def _retaining(self) -> dict[str, dict[str, pulumi.Input[int]]]:
        """Returns the variants that keep the capacity that autoscaling has set: see ``retained.Scaled``.

        Not those of an auto-named endpoint: its name is not known before its configuration is made.
        """
        if self._endpoint_name is None:
            return {}
        return {
            own["variant_name"]: {
                "first": own["serverless_config"]["provisioned_concurrency"]
                if "serverless_config" in own
                else own.get("initial_instance_count", 1),
                "least": own["autoscaling"]["min_capacity"],
                "most": own["autoscaling"]["max_capacity"],
            }
            for _, own in variants(self._args)
            if "autoscaling" in own
        }

    def _endpoint(self, configuration: pulumi.Output[str], before: Sequence[pulumi.Resource]) -> aws.sagemaker.Endpoint:
        args, imported = self._args, self._args.get("import_endpoint")
        if imported:
            pulumi.log.warn(
                f"The endpoint {imported} is imported as it is. Take import_endpoint away after this update: the next "
                "one gives it the configuration that is declared here.",
                self,
            )
        retaining = self._retaining()
        starts = {
            own["variant_name"]: checks.starts_with(cast("VariantArgs", own), retained=own["variant_name"] in retaining)
            for _, own in variants(args)
        }
        replaceable = args.get("allow_replacement", False)
        guarded = hooks.GuardedEndpoint(
            self.urn, self._settings, starts, list(replacement.capacities(args)), replaceable=replaceable
        )
        return aws.sagemaker.Endpoint(
            self.pulumi_resource_name,
            name=args.get("endpoint_name") or imported,
            endpoint_config_name=configuration,
            deployment_config=self._deployment(),
            tags=args.get("tags"),
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=_sdk.once(hooks.EndpointHooks).guard(self.pulumi_resource_name, guarded),
                # Made first, another of its name is refused: a replacement that nobody foresaw is no outage either.
                delete_before_replace=replaceable and "endpoint_name" in args,
                depends_on=before,
                import_=imported,
                # What an import finds is never what is declared: it would be refused.
                ignore_changes=["endpointConfigName", "deploymentConfig", "tags"] if imported else None,
            ),
        )

    def _rollback_alarms(self, config: Args) -> Sequence[pulumi.Input[str]]:
        if "auto_rollback_alarms" in config or "alarms" not in self._args:
            own: Sequence[pulumi.Input[str]] = config.get("auto_rollback_alarms", [])
            return own
        name = self._args["endpoint_name"]
        return [
            alarms.alarm_name(name, own["variant_name"], what) for _, own in variants(self._args) for what in ROLLBACK
        ]

    def _alarms(self, endpoint_name: pulumi.Input[str]) -> list[pulumi.Resource]:
        if "alarms" not in self._args:
            return []
        return [
            aws.cloudwatch.MetricAlarm(f"{self.pulumi_resource_name}-{own['variant_name']}-{what}", alarm, self._child)
            for _, own in variants(self._args)
            for what, alarm in alarms.alarms(
                endpoint_kind(self._args),
                endpoint_name,
                own["variant_name"],
                self._args["alarms"],
                self._args.get("tags"),
            ).items()
        ]

    def _registration(self) -> list[pulumi.Stash]:
        capacities = replacement.capacities(self._args)
        return (
            [autoscaling.registration(f"{self.pulumi_resource_name}-scaling", capacities, self._child)]
            if capacities
            else []
        )

    def _autoscaling(self, endpoint_name: pulumi.Output[str]) -> None:
        for _, own in variants(self._args):
            if "autoscaling" in own:
                name, about = f"{self.pulumi_resource_name}-{own['variant_name']}-scaling", scaled(self._args, own)
                autoscaling.autoscale(name, endpoint_name, about, own["autoscaling"], self._child)

    def _dashboard(self) -> None:
        region = self.endpoint_arn.apply(lambda arn: arn.split(":")[3] if arn else "")  # mocks may have no ARN
        names = [own["variant_name"] for _, own in all_variants(self._args)]
        body = dashboard.body(endpoint_kind(self._args), self.endpoint_name, region, names)
        aws.cloudwatch.Dashboard(
            f"{self.pulumi_resource_name}-dashboard",
            dashboard_name=self.endpoint_name,
            dashboard_body=pulumi.Output.json_dumps(body),
            opts=self._child,
        )
