"""Says what a program should never say, by the name of it."""

from collections.abc import Iterator

SCRIPT = "document.documentElement.dataset.pwned = 'yes'; fetch('http://elsewhere.example/')"
MARKUP = f"""
<script>{SCRIPT}</script>
<img src=x onerror="{SCRIPT}"> <img src="http://elsewhere.example/x.png"> ![x](http://elsewhere.example/y.png)
<svg onload="{SCRIPT}"><animate onbegin="{SCRIPT}"/></svg> <math><mtext><style><img onerror="{SCRIPT}"></style>
<iframe src="javascript:{SCRIPT}"></iframe> <iframe srcdoc="<script>{SCRIPT}</script>"></iframe>
<style>@import 'http://elsewhere.example/a.css'; body {{ display: none }}</style>
<link rel=stylesheet href=//elsewhere.example/b.css>
<base href="http://elsewhere.example/"> <meta http-equiv=refresh content="0;url=http://elsewhere.example/">
<form action="http://elsewhere.example/" id="app" name="body"><input name=attributes>
<button formaction=javascript:x>go</button></form>
<object data="http://elsewhere.example/"></object> <embed src="http://elsewhere.example/">
<video src=http://elsewhere.example/ autoplay>
<a href="javascript:{SCRIPT}">one</a>

[two](javascript:alert) [three](<java&#10;script:alert(1)>)
[four](data:text/html,<script>x</script>)
[five](vbscript:x) <javascript:alert(1)> [six][ref]
[good](https://example.com/?a=1&b=2)

<div style="position:fixed;inset:0;background:red">x</div>
<p onclick="{SCRIPT}" class=composer id=composer tabindex=1 autofocus onfocus="{SCRIPT}">

[ref]: javascript:alert(1)

| <script>{SCRIPT}</script> | `<img src=x onerror={SCRIPT}>` |
| --- | --- |
| [x](javascript:alert(1)) | ![y](data:image/svg+xml,<svg/onload=alert(1)>) |

```html"onmouseover="x
</code></pre><script>{SCRIPT}</script>
```
"""

BOMBS = {
    "markup": MARKUP,
    "paragraph": "word " * 100_000,
    "long word": "x" * 500_000,
    "list": "- x\n" * 100_000,
    "nested list": "".join("  " * depth + "- x\n" for depth in range(2_000)),
    "quotes": ">" * 20_000 + " x\n",
    "brackets": "[" * 100_000,
    "links": "[a](" * 50_000,
    "backticks": "`" * 100_001 + "x",
    "stars": "*a **b " * 50_000,
    "underscores": "_" * 100_000 + "a",
    "table": "| a | b |\n| --- | --- |\n" + "| x | y |\n" * 10_000,
    "code": "```python\n" + "x = [1, 2, 3]  # and so on\n" * 200_000 + "```\n",
    "wide table": "|a" * 300 + "\n" + "|-" * 300 + "\n" + "a\n" * 20_000,
    "long lines of code": ("```ini\n" + "1" * 16_000 + "\n```\n\n") * 3,
    "entities": "&amp;&lt;" * 50_000,
    "html": "<b>" * 100_000,
    "references": "".join(f"[{number}]: http://x.example/{number}\n" for number in range(20_000)),
}


def serve(prompt: str) -> Iterator[str]:
    """Say it in pieces of a few hundred characters."""
    text = BOMBS[prompt]
    size = max(200, len(text) // 2_000)
    for place in range(0, len(text), size):
        yield text[place : place + size]
