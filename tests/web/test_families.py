"""Numbers of several processes add up, and those of the dead stay."""

from mserve.web.families import Family, lasting, total

COUNTER = Family("a", "What.", "counter", (("a_total", {"x": "1"}, 2.0), ("a_total", {"x": "2"}, 3.0)))
GAUGE = Family("b", "What.", "gauge", (("b", {}, 4.0),))
SPREAD = Family("c", "What.", "histogram", (("c_bucket", {"le": "+Inf"}, 5.0), ("c_sum", {}, 0.5)))
INFO = Family("mserve_build_info", "Which.", "gauge", (("mserve_build_info", {"version": "1"}, 1.0),))


def start(time: float) -> Family:
    return Family("process_start_time_seconds", "When.", "gauge", (("process_start_time_seconds", {}, time),))


def test_samples_of_one_name_and_labels_add_up_and_others_are_kept_apart() -> None:
    other = Family("a", "What.", "counter", (("a_total", {"x": "2"}, 10.0), ("a_total", {"x": "3"}, 1.0)))
    samples = (("a_total", {"x": "1"}, 2.0), ("a_total", {"x": "2"}, 13.0), ("a_total", {"x": "3"}, 1.0))
    assert total([[COUNTER, GAUGE], [GAUGE, other]]) == (
        Family("a", "What.", "counter", samples),
        Family("b", "What.", "gauge", (("b", {}, 8.0),)),
    )


def test_what_is_no_sum_is_joined_as_it_makes_sense() -> None:
    assert total([[INFO, start(7.0)], [INFO, start(3.0)], [start(5.0)]]) == (INFO, start(3.0))


def test_what_grows_outlasts_its_process() -> None:
    assert lasting([COUNTER, GAUGE, SPREAD, INFO]) == (COUNTER, SPREAD)
