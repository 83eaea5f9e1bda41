import base64
import hashlib

from mserve.web.policy import policy_of


def named(*codes: str) -> str:
    digests = (base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in codes)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def rules(*pages: str) -> dict[str, str]:
    parts = policy_of(*(page.encode() for page in pages)).decode().split("; ")
    return {name: values for name, _, values in (part.partition(" ") for part in parts)}


def test_all_scripts_and_styles_of_a_page_are_named_whatever_their_attributes() -> None:
    page = """<style>a {}</style><style media="print">\nb {}</style>
      <script>one()</script><script type="module" crossorigin>two()\n</script ><SCRIPT>drei("ö")</SCRIPT>"""
    told = rules(page)
    assert told["script-src"] == named("one()", "two()\n", 'drei("ö")')
    assert told["style-src"] == named("a {}", "\nb {}")


def test_what_a_script_says_of_styles_is_no_style() -> None:
    told = rules('<script>x = "<style>"</script><style>real</style><script>y = "<style>not</style>"</script>')
    assert told["style-src"] == named("real")


def test_a_page_without_a_script_may_run_none() -> None:
    assert rules("<styles>a</styles><p>script</p>") | {"default-src": ""} == {
        "default-src": "",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "script-src": "'none'",
        "style-src": "'none'",
    }


def test_a_document_that_becomes_another_page_may_run_the_scripts_of_both() -> None:
    told = rules("<script>a</script><style>s</style>", "<script>b</script><style>s</style>")
    assert told["script-src"] == named("a", "b")
    assert told["style-src"] == named("s")
