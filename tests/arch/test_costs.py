"""Checks that docs/cost.md is what its generator writes, of counts that agree with what is tested elsewhere."""

from bench import cost


def test_the_page_is_what_the_generator_writes() -> None:
    assert cost.PAGE.read_text() == cost.page(cost.read())


def test_a_chat_is_counted_as_the_bench_counts_it() -> None:
    calls = cost.read().counts["requests"]["chat"]["calls"]["chat"]
    operations = {call: times for call, times in calls.items() if "transacted" not in call}
    assert operations == {"dynamodb UpdateItem accounts": 1, "dynamodb transaction": 1}


def test_a_transaction_costs_two_units_a_kilobyte_and_a_price_moves_the_page() -> None:
    counted = cost.read()
    # The hold is one, and the end writes the account and its entry.
    assert cost.units(counted, "chat", cost.Setting()) == (5, 0)
    dearer = cost.Counted(counted.counts, {name: 2 * usd for name, usd in counted.usd.items()})
    once, twice = (sum(cost.cost(each, "videos", cost.Setting()).values()) for each in (counted, dearer))
    assert round(twice / once, 9) == 2
