"""The counts of docs/cost.md for a month without requests are those of the template."""

from bench import cost
from tests.template.translated import Stack


def test_alarms_secrets_and_read_queues_are_as_many_as_the_template_has(stack: Stack) -> None:
    alarms = stack.of_type("AWS::CloudWatch::Alarm").values()
    metrics = sum(max(1, sum("MetricStat" in query for query in alarm.get("Metrics", []))) for alarm in alarms)
    counted = cost.read().counts["template"]
    assert (counted["alarms"], counted["alarm_metrics"]) == (len(alarms), metrics)
    assert counted["secrets"] == len(stack.of_type("AWS::SecretsManager::Secret"))
    assert counted["kms_keys"] == len(stack.of_type("AWS::KMS::Key"))
    assert counted["read_queues"] == len(stack.of_type("AWS::Lambda::EventSourceMapping"))


def test_schedules_are_those_of_a_month(stack: Stack) -> None:
    minutes = {"rate(1 minute)": 1, "rate(5 minutes)": 5}
    rules = stack.of_type("AWS::Events::Rule").values()
    invocations = sum(730 * 60 // minutes[rule["ScheduleExpression"]] for rule in rules)
    assert invocations == cost.SWEEPS + cost.RECONCILES + cost.SUMS + cost.LESSONS


def test_each_price_of_an_idle_month_moves_its_sum() -> None:
    counted = cost.read()
    whole = sum(cost.idle(counted).values())
    for name in (
        "alarm_metric_month",
        "secret_month",
        "kms_key_month",
        "sqs",
        "read_unit",
        "lambda_request",
        "lambda_gb_s_arm64",
        "log_gb",
    ):
        dearer = cost.Counted(counted.counts, {**counted.usd, name: 2 * counted.usd[name]})
        assert sum(cost.idle(dearer).values()) > whole, name
