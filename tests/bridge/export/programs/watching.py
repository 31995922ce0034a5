"""What an operations team watches: a dashboard, alarms by metric math, one that is made of others."""

import json

import pulumi_aws as aws

errors = aws.cloudwatch.MetricAlarm(
    "errors",
    comparison_operator="GreaterThanOrEqualToThreshold",
    evaluation_periods=3,
    datapoints_to_alarm=2,
    threshold=0.01,
    treat_missing_data="notBreaching",
    metric_queries=[
        {"id": "rate", "expression": "errors / requests", "label": "Error rate", "return_data": True},
        {
            "id": "errors",
            "metric": {
                "metric_name": "Invocation5XXErrors",
                "namespace": "AWS/SageMaker",
                "period": 60,
                "stat": "Sum",
                "dimensions": {"EndpointName": "e", "VariantName": "AllTraffic"},
            },
        },
        {
            "id": "requests",
            "metric": {
                "metric_name": "Invocations",
                "namespace": "AWS/SageMaker",
                "period": 60,
                "stat": "Sum",
                "dimensions": {"EndpointName": "e", "VariantName": "AllTraffic"},
            },
        },
    ],
)
slow = aws.cloudwatch.MetricAlarm(
    "slow",
    comparison_operator="GreaterThanThreshold",
    evaluation_periods=1,
    extended_statistic="p99.9",
    metric_name="ModelLatency",
    namespace="AWS/SageMaker",
    period=60,
    threshold=250000.5,
    tags={"team": "ml"},
)
aws.cloudwatch.Dashboard(
    "overview",
    dashboard_name="overview",
    dashboard_body=json.dumps(
        {
            "widgets": [
                {
                    "type": "metric",
                    "width": 12,
                    "height": 6,
                    "properties": {
                        "metrics": [["AWS/SageMaker", "Invocations", "EndpointName", "e"]],
                        "region": "us-east-1",
                        "title": "a < b & c",
                    },
                }
            ]
        }
    ),
)
