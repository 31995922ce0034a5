"""The command `sagebridge prices`, which imports what it needs when it runs."""

import click


@click.command(name="prices")
@click.option("--region", required=True, help="The region whose prices are fetched, such as eu-central-1.")
@click.option("--profile", help="The profile of AWS's configuration files whose credentials are used.")
@click.option("--json", "as_json", is_flag=True, help="Print the price list as JSON, for a machine.")
def prices_command(region: str, profile: str | None, *, as_json: bool) -> None:
    """Fetch AWS's price list of a region for the preview.

    Keeps the list in your cache folder. From then on, the preview of an endpoint in the region says what a day costs,
    with the date of the list. Needs the permission pricing:GetProducts.
    """
    import json
    from dataclasses import asdict

    from sagebridge._aws import IMPATIENT, pricing_client
    from sagebridge.model.aws import aws_errors
    from sagebridge.prices.fetch import api_region, fetch_price_list
    from sagebridge.prices.price_list import write_price_list

    with aws_errors(f"fetch the price list of {region}"):
        client = pricing_client({"region": api_region(region), "profile": profile}, IMPATIENT)
        price_list = fetch_price_list(client, region)
    path = write_price_list(price_list)
    if as_json:
        click.echo(json.dumps({"path": str(path), **asdict(price_list)}))
        return
    click.echo(f"wrote {path}")
    click.echo(
        f"{len(price_list.real_time)} instance types for real-time endpoints and {len(price_list.asynchronous)} for "
        f"asynchronous ones, in {price_list.currency}, as AWS published them on {price_list.published}"
    )
