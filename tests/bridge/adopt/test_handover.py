"""Terraform forgets what was adopted, and nothing else."""

from sagebridge.bridge.adopt.discover import MODEL
from sagebridge.bridge.adopt.handover import plan_forgetting
from sagebridge.bridge.terraform.state import Resource
from tests.bridge.adopt.resources import state


def test_removed_blocks_name_the_outermost_module_that_is_all_adopted() -> None:
    def resource(module: str, name: str, key: str | None = None) -> Resource:
        return Resource(module, MODEL, name, key)

    whole = [resource('module.a["x"].module.b', "m"), resource('module.a["y"].module.b', "m")]
    kept, split = resource("module.c", "other"), [resource("module.c", "each", "x"), resource("module.c", "each", "y")]
    forgetting = plan_forgetting(state(*whole, kept, *split), [*whole, split[0]])
    assert forgetting.removed.count("from = ") == 1
    assert "from = module.a\n" in forgetting.removed
    assert forgetting.commands == ("terraform state rm 'module.c.aws_sagemaker_model.each[\"x\"]'",)
