"""A SageMaker endpoint of any kind: models, endpoint configuration, endpoint, and what scales and watches it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pulumi
import pulumi_aws as aws

from sagebridge import _aws, _provider, _sdk, threads
from sagebridge.endpoint import grants, openai, outputs, resources
from sagebridge.endpoint.args import SageMakerEndpointArgs
from sagebridge.endpoint.cost import InstanceHours, capacities, cost_line, instance_hours
from sagebridge.endpoint.names import Names
from sagebridge.endpoint.parts import field_path
from sagebridge.endpoint.refusal import argument_name, camel_case, refusal
from sagebridge.endpoint.remarks import remarks
from sagebridge.endpoint.rules import validate
from sagebridge.endpoint.schema import check as check_fields
from sagebridge.endpoint.spec import Container, Instances, Model, parse
from sagebridge.endpoint.stash import stash
from sagebridge.guards import checks, hooks, lookup, replacement, retained
from sagebridge.guards.earlier import EarlierOutputs
from sagebridge.images import archive, uris
from sagebridge.images.handler import has_rules
from sagebridge.monitoring import alarms, dashboard
from sagebridge.prices.price_list import read_price_list
from sagebridge.scaling import autoscaling
from sagebridge.validation import Problem

__all__ = ["SageMakerEndpoint", "SageMakerEndpointArgs"]


class SageMakerEndpoint(pulumi.ComponentResource):
    """A SageMaker endpoint with its models and its configuration.

    Models and configuration are auto-named. So a change creates new ones, updates the endpoint in place, and only then
    deletes the old ones; the provider deletes a resource with an explicit name before it creates the next. After each
    rollout the endpoint must run the configuration that was asked for. If it does not, the update fails and the
    configuration that is serving stays. A change that would replace the endpoint is refused.

    The option ``protect`` protects the endpoint, and what scales and watches it, from ``pulumi destroy`` and from being
    deleted when the component is removed from the program. Models and configuration can still be replaced, as every
    update does. Before you remove the last of scaling, dashboard and grants, remove ``protect``.
    The option ``provider`` decides the account and the region of all resources; the default is the stack's ``aws:…``
    configuration. Instead of the option ``import_``, use the argument ``import_endpoint``.
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
    """S3 URL of the archive that is served, or of the first of several; None if there is none."""
    invoke_policy: pulumi.Output[str]
    """The least IAM policy for a caller, as JSON: to invoke the endpoint and, if it is asynchronous, to describe it and
    to read the answers."""
    openai_base_url: pulumi.Output[str] | None
    """Base URL for clients of OpenAI's API, which AWS has for real-time endpoints; None for other kinds. The container
    must speak that API, as the model servers do."""
    instance_hours_per_day: pulumi.Output[InstanceHours]
    """The instance-hours that a day of UTC has at least and at most, as ``minimum`` and ``maximum``, by the bounds and
    the schedules of ``autoscaling``. Instances that an update runs beside those that serve are not in them."""

    def __init__(self, name: str, args: SageMakerEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declares the endpoint.

        Args:
            name: Name of the component; the children's names derive from it.
            args: See :class:`SageMakerEndpointArgs`.
            opts: Options of the component; children inherit what Pulumi lets them inherit.

        Raises:
            pulumi.RunError: AWS would refuse the arguments, or an archive is missing or does not fit its image. The
                message names every problem. Arguments that are outputs are checked as soon as they are known, before
                AWS is called. In a plugin it is ``pulumi.InputPropertiesError``.
        """
        _sdk.end_quietly()
        _sdk.once(_sdk.spare_collector)
        if not isinstance(opts, pulumi.ResourceOptions | None):
            raise refusal(name, {}, [Problem("opts", "must be pulumi.ResourceOptions", opts)])
        args = outputs.with_secret_tokens(outputs.with_integers(args))
        check = partial(_check, name, args)
        check(args)
        _sdk.once(_sdk.serve_hooks)
        declared = parse(outputs.checked(outputs.without_none(args), check))
        settings = _provider.settings(opts)
        _once_if_default(settings, _provider.start_default)
        recorded = replacement.recorded(declared, _region(settings))
        guard = pulumi.ResourceOptions(hooks=_sdk.once(replacement.hooks, declared.replaceable))
        options = pulumi.ResourceOptions.merge(opts, guard)
        super().__init__("sagebridge:index:SageMakerEndpoint", name, {**recorded}, options)
        self._names, self._declared, self._settings = Names(name), declared, settings
        self._earlier = _sdk.once(EarlierOutputs)
        self._parent = opts.parent if opts else None
        # Protected with the component, they could not be replaced, and so the endpoint never updated.
        self._child = pulumi.ResourceOptions(parent=self, protect=False)

        remarks_told: pulumi.Input[bool] = self._tell(args)
        pulumi.Output.from_input(remarks_told)  # whose end Pulumi waits for
        loaded = [self._loaded(model) for model in declared.models]
        _once_if_default(settings, _begin_to_ask)  # after the archives, which are wanted first
        models = {model.variant: self._model(model) for model in loaded}
        model_names = {variant: model.name for variant, model in models.items()}
        generation = self._generation(model_names) if declared.scaled else None
        capacities = self._capacities(generation) if generation else {}
        configuration = self._configuration(model_names, generation, capacities)
        alarms_before = self._alarms(declared.plain_name) if declared.plain_name else []
        registration = self._registration() if declared.scaled else None
        before = [*alarms_before, *([registration] if registration else [])]
        endpoint = self._endpoint(configuration, capacities, before)
        alarms_after = [] if alarms_before else self._alarms(endpoint.name)
        if registration:
            endpoint_name = autoscaling.after(registration, endpoint.name)
            autoscaling.autoscale(self._names, declared, endpoint_name, self._child)
        if declared.dashboard:
            self._dashboard(endpoint)
        if registration or declared.dashboard or alarms_after:
            _sdk.once(self._protection)

        self.endpoint_name = endpoint.name
        self.endpoint_arn = endpoint.arn
        self.endpoint_config_name = endpoint.endpoint_config_name
        self.model_name = models[declared.production_variants[0].model.variant].name
        self.model_data_url = next(iter(_archives(loaded)), None)
        self.invoke_policy = grants.invoke_policy_json(self.endpoint_arn, declared.answer_paths)
        self.openai_base_url = self._openai_base_url(endpoint) if declared.kind == "real-time" else None
        self.instance_hours_per_day = self._instance_hours(args)
        self.register_outputs(
            {
                "endpointName": self.endpoint_name,
                "endpointArn": self.endpoint_arn,
                "endpointConfigName": self.endpoint_config_name,
                hooks.LAST_CONFIGURATION: configuration.name,
                "modelName": self.model_name,
                **({"modelDataUrl": self.model_data_url} if self.model_data_url else {}),
                "invokePolicy": self.invoke_policy,
                **({"openaiBaseUrl": self.openai_base_url} if self.openai_base_url else {}),
                "instanceHoursPerDay": self.instance_hours_per_day,
            }
        )

    def grant_invoke(self, name: str, role: pulumi.Input[str], *, bearer: bool = False) -> "aws.iam.RolePolicy":
        """Gives a role the policy ``invoke_policy``.

        Args:
            name: Name of the policy's resource.
            role: Name of the role.
            bearer: Whether the role may also call ``openai_base_url``, with a bearer token. That is
                ``sagemaker:CallWithBearerToken``, which AWS takes for the resource ``*`` only.

        Raises:
            pulumi.RunError: ``bearer`` is set for an endpoint that has no ``openai_base_url``.
        """
        if bearer and self.openai_base_url is None:
            raise pulumi.RunError(
                f"SageMakerEndpoint {self.pulumi_resource_name!r} has no openai_base_url, so bearer must be False: "
                f"AWS documents its OpenAI route for real-time endpoints only, and this one is {self._declared.kind}."
            )
        _sdk.once(self._protection)
        policy = grants.invoke_policy_json(self.endpoint_arn, self._declared.answer_paths, bearer=bearer)
        return aws.iam.RolePolicy(name, role=role, policy=policy, opts=self._child)

    def _openai_base_url(self, endpoint: aws.sagemaker.Endpoint) -> pulumi.Output[str]:
        values = pulumi.Output.all(endpoint.name, endpoint.arn, self._settings)
        return pulumi.Output.unsecret(values.apply(lambda values: openai.base_url(*values)))

    def _protection(self) -> pulumi.Stash:
        """Declares a resource that is deleted before all others and, if it is protected, stops a deletion at its start.

        Without it, the scaling of a protected endpoint would be deleted before the endpoint refuses to be. It is kept
        in the stack's state, not in AWS.
        """
        opts = pulumi.ResourceOptions(parent=self._parent, protect=_sdk.is_protected(self), depends_on=[self])
        return stash("protection", self._names.protection, self.pulumi_resource_name, opts)

    async def _tell(self, args: SageMakerEndpointArgs) -> bool:
        """Tells what was chosen, and what to think about, as far as it is known."""
        clean, _ = check_fields(await outputs.known(args))
        for remark in remarks(clean):
            log = pulumi.log.warn if remark.level == "warn" else pulumi.log.info
            log(camel_case(remark.text) if _sdk.runs_in_plugin() else remark.text, self)
        if pulumi.runtime.is_dry_run():
            region = await outputs.resolved(_region(self._settings))
            if line := cost_line(clean, _today(), read_price_list(region) if region else None):
                pulumi.log.info(line, self)
        return True

    def _instance_hours(self, args: SageMakerEndpointArgs) -> pulumi.Output[InstanceHours]:
        declared = pulumi.Output.from_input(capacities(outputs.without_none(args)))
        return declared.apply(lambda variants: instance_hours(outputs.with_integers(variants), _today()))

    def _loaded(self, model: Model) -> Model:
        """Returns a model with its images found, and its images and archives checked."""
        checked = [self._checked(container, model) for container in model.containers]
        return replace(model, containers=tuple(map(self._in_region, checked)))

    def _checked(self, container: Container, model: Model) -> Container:
        """Returns a container with its image found and, if it loads one model, that model checked."""
        if "framework" in container.arguments:
            container = replace(container, image=self._image(container, model))
        url, source = container.model_data_url, container.model_data_source
        if not container.loads_one_model:
            return container
        code = archive.Code(
            container.image,
            container.arguments.get("environment", {}),
            container.default_environment,
            self._declared.arguments.get("enable_network_isolation", False),
        )
        if url is not None:
            path = argument_name(field_path(container.path, "model_data_url"))
            loaded = archive.checked(path, url, code, self)
            container = replace(container, model_data_url=loaded.apply(lambda model: model.url))
        elif source and (source.is_archive or source.is_listed):
            path = argument_name(field_path(container.path, "model_data_source.s3_uri"))
            if source.is_archive:
                loaded = archive.checked(path, source.s3_uri, code, self, is_source=True)
            else:
                loaded = archive.listed(path, source.s3_uri, code, self)
            uri = loaded.apply(lambda model: model.url)
            container = replace(container, model_data_source=replace(source, s3_uri=uri))
        else:
            return container
        if not container.default_environment or (isinstance(container.image, str) and not has_rules(container.image)):
            return container
        return replace(container, handler_variables=loaded.apply(lambda model: model.variables))

    def _image(self, container: Container, model: Model) -> pulumi.Output[str]:
        """Returns the URI of AWS's image, for the instances of all variants that run the model."""
        framework, version = container.arguments["framework"], container.framework_version or ""
        capacities = [user.capacity for user in self._declared.variants if user.model.variant == model.variant]
        types = [capacity.instance_type if isinstance(capacity, Instances) else None for capacity in capacities]

        async def find(settings: _aws.Settings) -> str:
            instance_types = [await outputs.resolved(type_) for type_ in types]
            uri = uris.shared_image_uri(framework, version, _aws.region(settings) or "", instance_types)
            if isinstance(uri, str):
                return uri
            raise self._refusal(container, uri)

        return pulumi.Output.all(self._settings, *types).apply(lambda values: find(values[0]))

    def _refusal(self, container: Container, problems: Iterable[Problem]) -> Exception:
        """Returns the error that refuses a container's arguments, each named with its place in the endpoint's."""
        placed = [problem._replace(property=field_path(container.path, problem.property)) for problem in problems]
        return refusal(self.pulumi_resource_name, self._declared.arguments, placed)

    def _in_region(self, container: Container) -> Container:
        """Returns a container whose image is refused, as soon as it is known, if it is in another region."""
        image, region = container.image, _region(self._settings)
        if image is None or "framework" in container.arguments:
            return container

        def check(uri: str | None, region: str | None) -> None:
            if problem := uris.region_problem(uri or "", region):
                raise self._refusal(container, [problem])

        async def checked(uri: str, region: str | None) -> str:
            check(await outputs.resolved(image), region)  # concealed if it is a secret
            return uri

        if isinstance(image, str) and (region is None or isinstance(region, str)):
            check(image, region)
            return container
        return replace(container, image=pulumi.Output.all(image, region).apply(lambda values: checked(*values)))

    def _model(self, model: Model) -> aws.sagemaker.Model:
        arguments = resources.model(self._declared, model)
        return aws.sagemaker.Model(self._names.model(model.variant), **arguments, opts=self._child)

    def _generation(self, model_names: Mapping[str | None, pulumi.Input[str]]) -> pulumi.Stash:
        """Declares what changes with the configuration, apart from the numbers that autoscaling sets."""
        declared = self._declared
        rest = resources.configuration(declared, model_names, {variant.name: 0 for variant, _ in declared.scaled})
        return retained.generation(self._names.generation, rest, self._deployment(), self._child)

    def _capacities(self, generation: pulumi.Stash) -> Mapping[str, pulumi.Input[int]]:
        """Returns what variants that scale start with: what they have, so that an update takes no capacity away."""
        declared = self._declared
        name: pulumi.Input[str | None] = declared.name
        if name is None:
            earlier: pulumi.Output[Mapping[str, Any]] = pulumi.Output.from_input(self._earlier.of(self))
            name = earlier.apply(lambda outputs: outputs.get("endpointName"))
        return retained.capacities(generation, self._settings, name, declared.scaled)

    def _configuration(
        self,
        model_names: Mapping[str | None, pulumi.Input[str]],
        generation: pulumi.Stash | None,
        capacities: Mapping[str, pulumi.Input[int]],
    ) -> aws.sagemaker.EndpointConfiguration:
        declared = self._declared
        # AWS takes no update to the configuration that runs, not even one that changes the deployment alone.
        renewed = pulumi.ResourceOptions(replacement_trigger=self._deployment() or {})
        return aws.sagemaker.EndpointConfiguration(
            self._names.configuration,
            **resources.configuration(declared, model_names, capacities),
            tags=retained.tagged(declared.tags, generation) if generation else declared.tags,
            opts=pulumi.ResourceOptions.merge(self._child, renewed),
        )

    def _deployment(self) -> aws.sagemaker.EndpointDeploymentConfigArgsDict | None:
        return None if self._declared.rollout is None else resources.deployment(self._declared.rollout)

    def _endpoint(
        self,
        configuration: aws.sagemaker.EndpointConfiguration,
        capacities: Mapping[str, pulumi.Input[int]],
        before: Sequence[pulumi.Resource],
    ) -> aws.sagemaker.Endpoint:
        declared, imported = self._declared, self._declared.arguments.get("import_endpoint")
        if imported:
            pulumi.log.warn(
                f"The endpoint {imported} is imported as it is. Remove import_endpoint after this update: the next one "
                "gives it the configuration that is declared here.",
                self,
            )
        variants = declared.production_variants
        guarded = hooks.GuardedEndpoint(
            self.urn,
            self._settings,
            {variant.name: checks.starts_with(variant, capacities.get(variant.name)) for variant in variants},
            {variant.name: variant.runs_on for variant in variants},
            [variant.name for variant, _ in declared.scaled],
            replaceable=declared.replaceable,
            earlier=partial(self._earlier.of, self),
            secret_texts=partial(outputs.secret_texts, declared.arguments),
        )
        return aws.sagemaker.Endpoint(
            self.pulumi_resource_name,
            name=declared.name,
            endpoint_config_name=configuration.name,
            deployment_config=self._deployment(),
            tags=declared.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=_sdk.once(hooks.EndpointHooks).guard(self.pulumi_resource_name, guarded),
                # Made first, another of its name is refused: a replacement that nobody foresaw is no outage either.
                delete_before_replace=declared.replaceable and "endpoint_name" in declared.arguments,
                depends_on=self._earlier.after_first_answer(self, before),
                import_=imported,
                # What an import finds is never what is declared: it would be refused.
                ignore_changes=["endpointConfigName", "deploymentConfig", "tags"] if imported else None,
            ),
        )

    def _alarms(self, endpoint_name: pulumi.Input[str]) -> list[pulumi.Resource]:
        declared = self._declared
        if declared.alarms is None:
            return []
        return [
            aws.cloudwatch.MetricAlarm(self._names.alarm(variant.name, what), arguments, self._child)
            for variant in declared.production_variants
            for what, arguments in alarms.alarms(
                declared.kind, declared.alarms, endpoint_name, variant.name, declared.tags
            ).items()
        ]

    def _registration(self) -> pulumi.Stash:
        runs_on = {variant.name: variant.runs_on for variant, _ in self._declared.scaled}
        return autoscaling.registration(self._names.registration, runs_on, self._child)

    def _dashboard(self, endpoint: aws.sagemaker.Endpoint) -> None:
        region = endpoint.arn.apply(lambda arn: arn.split(":")[3] if arn else "")  # mocks may have no ARN
        runs_on = pulumi.Output.all(**{variant.name: variant.runs_on for variant in self._declared.variants})
        body = runs_on.apply(lambda types: dashboard.body(self._declared.kind, endpoint.name, region, types))
        aws.cloudwatch.Dashboard(
            self._names.dashboard,
            dashboard_name=endpoint.name,
            dashboard_body=pulumi.Output.json_dumps(body),
            opts=self._child,
        )


def _check(name: str, declared: SageMakerEndpointArgs, args: SageMakerEndpointArgs) -> None:
    """Refuses arguments, which are those that are declared with some outputs known by now."""
    if problems := validate(name, args):
        raise refusal(name, declared, problems)


def _once_if_default(settings: _aws.Settings | pulumi.Output[_aws.Settings], begin: Callable[[], None]) -> None:
    """Begins something once in a program that an engine runs, if the settings are those of the default provider."""
    if _sdk.runs_on_engine() and not isinstance(settings, pulumi.Output):
        _sdk.once(begin)


def _begin_to_ask() -> None:
    """Makes the client of the default provider while the engine starts the provider; a preview lists the endpoints.

    It takes 0.1 s to make the client, and a preview that makes a new endpoint needs the list.
    """
    threads.begin(_ask, _provider.default(), _sdk.once(lookup.Listed) if pulumi.runtime.is_dry_run() else None)


def _ask(settings: _aws.Settings, listed: lookup.Listed | None) -> None:
    client = _aws.sagemaker_client(settings)
    if listed:
        listed.begin(client)


def _today() -> date:
    return datetime.now(UTC).date()


def _region(settings: _aws.Settings | pulumi.Output[_aws.Settings]) -> pulumi.Input[str | None]:
    if isinstance(settings, pulumi.Output):
        return pulumi.Output.unsecret(settings.apply(_aws.region))
    return _aws.region(settings)


def _archives(models: Sequence[Model]) -> list[pulumi.Output[str]]:
    """Returns the URLs of the archives of single models."""
    containers = [container for model in models for container in model.containers if container.loads_one_model]
    urls = [container.model_data_url for container in containers if container.model_data_url is not None]
    return [pulumi.Output.from_input(url) for url in urls]
