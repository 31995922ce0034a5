"""SageMaker's operations: checks the form of a request, and gives it to the part of this room that carries it out.

The state is changed under one lock, and is on disk before a change is acknowledged.
"""

import copy
from collections.abc import Callable
from functools import partial

from sagebridge.local.sagemaker import models, packages
from sagebridge.local.sagemaker.answers import described_endpoint, shaped, without_empty
from sagebridge.local.sagemaker.endpoints import Endpoints
from sagebridge.local.sagemaker.resources import CONFIG, ENDPOINT, GROUP, KINDS, MODEL, PACKAGE, Kind, Resources, page
from sagebridge.local.shapes import AwsError, Record, check, service

WORK = ("CreateEndpoint", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities", "DeleteEndpoint")
"""The operations that leave work for `serving/`."""


class SageMaker:
    """The account's SageMaker.

    Args:
        resources: the account's resources.
        endpoints: the account's endpoints, among those resources.
        work: begins to do in the background what an endpoint's status says is to be done.
        deregister: removes the scalable targets of an endpoint that is deleted.
    """

    def __init__(
        self,
        resources: Resources,
        endpoints: Endpoints,
        work: Callable[[str], None],
        deregister: Callable[[str], None],
    ) -> None:
        self._resources = resources
        self._endpoints = endpoints
        self._work = work
        self._deregister = deregister
        self._new_record: dict[Kind, Callable[[Record], Record]] = {
            MODEL: partial(models.new_model, resources),
            CONFIG: endpoints.new_config,
            ENDPOINT: endpoints.new_endpoint,
            PACKAGE: packages.new_package,
            GROUP: packages.new_group,
        }
        self._operations: dict[str, Callable[[Record], Record]] = {
            "UpdateEndpoint": endpoints.update,
            "UpdateEndpointWeightsAndCapacities": endpoints.update_capacities,
            "UpdateModelPackage": partial(packages.update_package, resources),
            "AddTags": self._add_tags,
            "ListTags": self._list_tags,
            "DeleteTags": self._delete_tags,
        }
        for kind in KINDS:
            self._operations |= {
                f"Create{kind.title}": partial(self._create, kind),
                f"Describe{kind.title}": partial(self._describe, kind),
                f"Delete{kind.title}": partial(self._delete, kind),
                f"List{kind.title}s": partial(self._list, kind),
            }

    @property
    def operations(self) -> list[str]:
        """The names of the operations that are served, sorted."""
        return sorted(self._operations)

    def call(self, name: str, request: Record) -> Record:
        """Carries out an operation, such as `CreateModel`, and begins the work that follows from it.

        Raises:
            AwsError: as AWS would answer; `UnknownOperationException` for what is not served here.
        """
        operation = self._operations.get(name)
        if operation is None:
            raise AwsError(
                "UnknownOperationException",
                f"The local AWS has no SageMaker {name}. It has: {', '.join(self.operations)}.",
            )
        model = service("sagemaker").operation_model(name)
        check(model, request)
        hold = self._resources.reading if name.startswith(("Describe", "List")) else self._resources.changing
        with hold():
            answer = shaped(model, operation(copy.deepcopy(request)))
        # Outside the lock: Application Auto Scaling holds its own lock while it calls SageMaker.
        if name in WORK:
            self._work(request["EndpointName"])
        if name == "DeleteEndpoint":
            self._deregister(request["EndpointName"])
        return answer

    def _create(self, kind: Kind, request: Record) -> Record:
        tags = request.pop("Tags", [])
        if kind is PACKAGE:
            request = packages.name_package(self._resources, request)
        name = self._resources.name_in(kind, request)
        self._resources.check_new(kind, name)
        record = self._new_record[kind](without_empty(request))
        return {f"{kind.title}Arn": self._resources.add(kind, name, record, tags)}

    def _describe(self, kind: Kind, request: Record) -> Record:
        record = self._resources.find(kind, self._resources.name_in(kind, request))
        return described_endpoint(record) if kind is ENDPOINT else record

    def _delete(self, kind: Kind, request: Record) -> Record:
        name = self._resources.name_in(kind, request)
        self._resources.find(kind, name)
        if kind is ENDPOINT:
            self._endpoints.delete(name)  # it goes when its work is done
            return {}
        if kind is GROUP:
            packages.check_empty(self._resources, name)
        self._resources.remove(kind, name)
        return {}

    def _list(self, kind: Kind, request: Record) -> Record:
        records = self._resources.of(kind)
        if kind is PACKAGE:
            records = {
                name: record for name, record in records.items() if packages.is_listed(self._resources, record, request)
            }
        return page(kind, records, request)

    def _add_tags(self, request: Record) -> Record:
        arn = request["ResourceArn"]
        self._resources.tags(arn)  # refuses an ARN that no resource has
        self._resources.tag(arn, request["Tags"])
        return self._list_tags(request)

    def _list_tags(self, request: Record) -> Record:
        tags = self._resources.tags(request["ResourceArn"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _delete_tags(self, request: Record) -> Record:
        tags = self._resources.tags(request["ResourceArn"])
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}
