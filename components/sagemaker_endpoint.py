"""A SageMaker endpoint of any kind: models, endpoint configuration, endpoint, and what scales and watches it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components import (
    alarms,
    archive,
    autoscaling,
    dashboard,
    endpoint_build,
    grants,
    images,
    late,
    provider,
    replacement,
    rollout,
)
from components.endpoint_args import DEFAULT_INSTANCE_TYPE, SageMakerEndpointArgs
from components.endpoint_rules import (
    ROLLBACK,
    all_variants,
    at,
    containers,
    endpoint_kind,
    model_path,
    models,
    scaled,
    validate,
    variants,
)
from components.validation import Problem, message

__all__ = ["SageMakerEndpoint", "SageMakerEndpointArgs"]

Args = Mapping[str, Any]


class SageMakerEndpoint(pulumi.ComponentResource):
    """Models → EndpointConfiguration → Endpoint.

    Models and configuration are auto-named, so that a change makes new ones, updates the endpoint in place and only
    then deletes the old ones; the endpoint alone has a name of its own (the provider deletes before it replaces
    whatever is named explicitly). After each rollout the endpoint must run the configuration that was asked for
    (``rollout.py``), and a change that would replace the endpoint is refused (``replacement.py``).

    ``protect`` in the options protects the endpoint: what is behind it may still be replaced, as every update does.
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

        check(args)
        given = late.checked(endpoint_build.without_none(args), check)
        guard = pulumi.ResourceOptions(hooks=replacement.hooks(name, allowed=given.get("allow_replacement", False)))
        merged = pulumi.ResourceOptions.merge(opts, guard)
        super().__init__("sagebridge:index:SageMakerEndpoint", name, replacement.recorded(given), merged)
        self._name, self._args, self._settings = name, given, provider.settings(self)
        # Protected with the component, they could not be replaced, and so the endpoint never updated.
        self._child = pulumi.ResourceOptions(parent=self, protect=False)

        self.model_data_url = None
        names = {path: self._model(path, own).name for path, own in models(given)}
        configuration = aws.sagemaker.EndpointConfiguration(
            f"{name}-config",
            endpoint_build.configuration(
                given, {path: names[model_path(path, own)] for path, own in all_variants(given)}
            ),
            self._child,
        )
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
        outputs = {
            "endpointName": self.endpoint_name,
            "endpointArn": self.endpoint_arn,
            "endpointConfigName": self.endpoint_config_name,
            "modelName": self.model_name,
        }
        self.register_outputs(outputs | ({"modelDataUrl": self.model_data_url} if self.model_data_url else {}))

    def grant_invoke(self, name: str, role: pulumi.Input[str]) -> aws.iam.RolePolicy:
        """Gives a role the least policy to invoke the endpoint and, if it is asynchronous, to read the answers.

        Args:
            name: name of the policy's resource.
            role: name of the role.
        """
        asynchronous = self._args.get("async_inference_config")
        fields = ("s3_output_path", "s3_failure_path")
        paths = [asynchronous[field] for field in fields if field in asynchronous] if asynchronous else None
        return grants.grant_invoke(name, role, self.endpoint_arn, paths, self._child)

    def _model(self, path: str, own: Args) -> aws.sagemaker.Model:
        suffix = f"-{own['variant_name']}-model" if path else "-model"
        loaded = [self._loaded(where, container, path) for where, container in containers(path, own)]
        whole = {**own, "containers": loaded} if "containers" in own else loaded[0]
        return aws.sagemaker.Model(f"{self._name}{suffix}", endpoint_build.model(self._args, whole), self._child)

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
            region = provider.region(settings) or ""
            found = [images.image_uri(framework, version, region, instance_type) for instance_type in instance_types]
            problems = [uri._replace(property=at(path, uri.property)) for uri in found if isinstance(uri, Problem)]
            if not problems and len(set(found)) > 1:
                several = ", ".join(sorted({str(uri) for uri in found}))
                problems = [
                    Problem(at(path, "framework"), framework, f"one image for all instance types, not {several}")
                ]
            if problems:
                raise pulumi.RunError(message(f"SageMakerEndpoint {self._name!r} cannot be made", problems))
            return str(found[0])

        return pulumi.Output.all(self._settings, *types).apply(find)

    def _endpoint(self, configuration: pulumi.Output[str], before: Sequence[pulumi.Resource]) -> aws.sagemaker.Endpoint:
        args, imported = self._args, self._args.get("import_endpoint")
        if imported:
            pulumi.log.warn(
                f"The endpoint {imported} is imported as it is. Take import_endpoint away after this update: the next "
                "one gives it the configuration that is declared here.",
                self,
            )
        starts = {own["variant_name"]: pulumi.Output.from_input(rollout.starts_with(own)) for _, own in variants(args)}
        replaceable = args.get("allow_replacement", False)
        config = args.get("deployment_config")
        return aws.sagemaker.Endpoint(
            self._name,
            name=args.get("endpoint_name") or imported,
            endpoint_config_name=configuration,
            deployment_config=endpoint_build.deployment(config, self._rollback_alarms(config))
            if config is not None
            else None,
            tags=args.get("tags"),
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=rollout.Rollout(self._name, self._settings, starts, replaceable=replaceable).hooks(),
                # Made first, another of its name is refused: a replacement that nobody foresaw is no outage either.
                delete_before_replace=None if replaceable else False,
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
            aws.cloudwatch.MetricAlarm(f"{self._name}-{own['variant_name']}-{what}", alarm, self._child)
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
        return [autoscaling.registration(f"{self._name}-scaling", capacities, self._child)] if capacities else []

    def _autoscaling(self, endpoint_name: pulumi.Output[str]) -> None:
        for _, own in variants(self._args):
            if "autoscaling" in own:
                name, about = f"{self._name}-{own['variant_name']}-scaling", scaled(self._args, own)
                autoscaling.autoscale(name, endpoint_name, about, own["autoscaling"], self._child)

    def _dashboard(self) -> None:
        region = self.endpoint_arn.apply(lambda arn: arn.split(":")[3])
        names = [own["variant_name"] for _, own in all_variants(self._args)]
        body = dashboard.body(endpoint_kind(self._args), self.endpoint_name, region, names)
        aws.cloudwatch.Dashboard(
            f"{self._name}-dashboard",
            dashboard_name=self.endpoint_name,
            dashboard_body=pulumi.Output.json_dumps(body),
            opts=self._child,
        )
