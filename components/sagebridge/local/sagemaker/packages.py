"""Model packages and their groups."""

import copy
import time

from sagebridge.local.sagemaker.resources import GROUP, PACKAGE, Resources
from sagebridge.local.shapes import AwsError, Record, invalid


def name_package(resources: Resources, request: Record) -> Record:
    """Returns a CreateModelPackage request in which the package has a name: its own, or `GROUP/VERSION`.

    Source: botocore, CreateModelPackageInput: ModelPackageName "is required for unversioned models. It is not
    applicable to versioned models", for which ModelPackageGroupName is required.

    Raises:
        AwsError: `ValidationException`.
    """
    if ("ModelPackageName" in request) == ("ModelPackageGroupName" in request):
        raise invalid("A model package needs either ModelPackageName or ModelPackageGroupName.")
    if "ModelPackageName" in request:
        return request
    group = resources.find(GROUP, resources.name_in(GROUP, request))
    name = group["ModelPackageGroupName"]
    group["last"] = group.get("last", 0) + 1
    return request | {
        "ModelPackageName": f"{name}/{group['last']}",
        "ModelPackageGroupName": name,
        "ModelPackageVersion": group["last"],
    }


def new_package(request: Record) -> Record:
    """Returns the record of a new model package."""
    name = {"ModelPackageName": request["ModelPackageName"].partition("/")[0]}
    approval = {"ModelApprovalStatus": "PendingManualApproval"} if "ModelPackageGroupName" in request else {}
    return approval | request | name | {"ModelPackageStatus": "Completed"}


def new_group(request: Record) -> Record:
    """Returns the record of a new model package group."""
    return request | {"ModelPackageGroupStatus": "Completed"}


def update_package(resources: Resources, request: Record) -> Record:
    """Carries out UpdateModelPackage.

    Raises:
        AwsError: `ValidationException` if there is no such package.
    """
    arn = request.pop("ModelPackageArn")
    package = resources.find(PACKAGE, resources.name_of(PACKAGE, arn))
    properties = package.get("CustomerMetadataProperties", {}) | request.pop("CustomerMetadataProperties", {})
    for key in request.pop("CustomerMetadataPropertiesToRemove", []):
        properties.pop(key, None)
    added = request.pop("AdditionalInferenceSpecificationsToAdd", [])
    package |= request | {
        "CustomerMetadataProperties": properties,
        "AdditionalInferenceSpecifications": package.get("AdditionalInferenceSpecifications", []) + added,
        "LastModifiedTime": time.time(),
    }
    return {"ModelPackageArn": arn}


def is_listed(resources: Resources, package: Record, request: Record) -> bool:
    """Returns whether a ListModelPackages asks for a package: for unversioned ones unless it says otherwise."""
    group = request.get("ModelPackageGroupName")
    default_type = "Versioned" if group else "Unversioned"
    package_type = "Versioned" if "ModelPackageGroupName" in package else "Unversioned"
    return (
        request.get("ModelPackageType", default_type) in (package_type, "Both")
        and (group is None or resources.name_in(GROUP, request) == package.get("ModelPackageGroupName"))
        and request.get("ModelApprovalStatus") in (None, package.get("ModelApprovalStatus"))
    )


def check_empty(resources: Resources, group: str) -> None:
    """Refuses to delete a group that still has packages.

    Raises:
        AwsError: `ConflictException`, as botocore documents DeleteModelPackageGroup; the words are ours.
    """
    if any(package.get("ModelPackageGroupName") == group for package in resources.of(PACKAGE).values()):
        arn = resources.arn_of(GROUP, group)
        raise AwsError("ConflictException", f'Model package group "{arn}" still has model packages.')


def package_containers(resources: Resources, name: str) -> list[Record]:
    """Returns copies of the containers of an approved package.

    Args:
        resources: the account's resources.
        name: the package's name or ARN.

    Raises:
        AwsError: `ValidationException` for a package that does not exist, is not approved or has no containers.
    """
    package = resources.find(PACKAGE, resources.name_of(PACKAGE, name))
    # botocore, CreateModelPackageInput: "the value of this parameter must be set to Approved to deploy the model"
    if "ModelPackageGroupName" in package and package["ModelApprovalStatus"] != "Approved":
        raise invalid(f'Model package "{package["ModelPackageArn"]}" is not approved.')
    containers: list[Record] = copy.deepcopy(package.get("InferenceSpecification", {}).get("Containers", []))
    if not containers:
        raise invalid(f'Model package "{package["ModelPackageArn"]}" has no containers.')
    return containers
