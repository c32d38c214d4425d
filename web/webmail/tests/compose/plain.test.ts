// @vitest-environment happy-dom
import { expect, it } from "vitest";
import { plainText } from "../../src/compose/editor/inside/plain";

const text = (html: string) => {
  const made = document.createElement("div");
  made.innerHTML = html;
  return plainText(made);
};

it.each([
  ["<div>one</div><div>two</div>", "one\ntwo"],
  ["<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"],
  ["<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"],
  ["<div>a <b>bold</b> word</div>", "a bold word"],
  ["<div>many\n   spaces&nbsp;kept</div>", "many spaces kept"],
  ["<ul><li>one</li><li>two<ul><li>deep</li></ul></li></ul>", "- one\n- two\n  - deep"],
  ['<ol start="3"><li>c</li><li>d</li></ol>', "3. c\n4. d"],
  ["<div>x</div><blockquote><div>q</div><blockquote><div>r</div></blockquote></blockquote><div>y</div>", "x\n\n> q\n>\n>> r\n\ny"],
  ['<a href="https://example.org/">example.org</a>', "example.org"],
  ['<a href="https://example.org/x">here</a>', "here <https://example.org/x>"],
  ['<a href="mailto:anna@example.org">anna@example.org</a>', "anna@example.org"],
  ['<div>a <img alt="logo" src="cid:x"> b</div>', "a [logo] b"],
  ["<table><tbody><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></tbody></table>", "a  b\nc  d"],
  ["<pre>  keep\n    this</pre>", "  keep\n    this"],
  ["<div>a</div><hr><div>b</div>", "a\n--------------------\nb"],
  ["<h1>Title</h1><div>text</div>", "Title\n\ntext"],
  ['<div>text</div><div><br></div><div class="signature"><p>Anna<br>Muster</p></div>', "text\n\n-- \nAnna\nMuster"],
  ["<div>zero\u200bwidth</div>", "zerowidth"],
  ["", ""],
])("%s", (html, expected) => {
  expect(text(html)).toBe(expected);
});
