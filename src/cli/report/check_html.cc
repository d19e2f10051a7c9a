// A page without anything outside of it: styles and the few lines of script are inline.
#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/text/utf8.h"

#include "json_output.h"
#include "report/check_report.h"

namespace assay::cli {
namespace {

constexpr std::string_view kHead = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --ok: #1a7f37; --bad: #cf222e; --open: #9a6700; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
header { padding: 1rem 2rem; border-bottom: 1px solid var(--line); }
h1 { font-size: 1.1rem; margin: 0; }
main { display: grid; grid-template-columns: 3fr 2fr; gap: 2rem; padding: 1rem 2rem; }
@media (max-width: 60rem) { main { grid-template-columns: 1fr; } }
#answer { white-space: pre-wrap; overflow-wrap: anywhere; }
button.claim { all: unset; display: inline; cursor: pointer; border-bottom: 3px solid; }
button.claim:focus-visible, button.claim[aria-pressed=true] { background: #8883; outline: 2px solid; }
.supported { border-color: var(--ok) !important; } b.supported { color: var(--ok); }
.contradicted { border-color: var(--bad) !important; } b.contradicted { color: var(--bad); }
.unverified { border-color: var(--open) !important; } b.unverified { color: var(--open); }
aside { position: sticky; top: 1rem; align-self: start; }
blockquote { margin: 1rem 0; padding: .5rem 1rem; border-left: 3px solid var(--line); }
mark { background: #fd88; color: inherit; }
small { color: #888; }
</style>
)html";

constexpr std::string_view kScript = R"html(<script>
const claims = JSON.parse(document.getElementById("data").textContent);
const panel = document.getElementById("panel");
function element(tag, text, name) {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  if (name) node.className = name;
  return node;
}
function show(button) {
  for (const other of document.querySelectorAll("button.claim")) other.setAttribute("aria-pressed", other === button);
  const claim = claims[button.dataset.claim];
  panel.replaceChildren(element("b", claim.verdict, claim.verdict), element("p", claim.text), element("p", claim.reason));
  for (const item of claim.evidence) {
    const quote = element("blockquote");
    quote.append(element("small", item.file + ":" + item.line + (item.heading ? "  " + item.heading : "")), element("br"),
                 item.before, element("mark", item.text), item.after);
    panel.append(quote);
  }
  if (!claim.evidence.length) panel.append(element("p", "No passage of the documents bears on this claim."));
}
for (const button of document.querySelectorAll("button.claim")) button.addEventListener("click", () => show(button));
document.querySelector("button.claim")?.click();
</script></body></html>
)html";

struct Context {
  std::string heading;
  std::string before;
  std::string after;
};

// The passage around a piece of evidence; empty parts when the index does not hold it any more.
Context ContextOf(const claims::Evidence& evidence, const corpus::Index& index) {
  for (std::uint32_t f = 0; f < index.file_count(); ++f) {
    const corpus::IndexedFile file = index.file(f);
    if (file.path != evidence.file) continue;
    for (std::uint32_t p = 0; p < file.passage_count; ++p) {
      const corpus::Passage passage = index.passage(file.first_passage + p);
      if (evidence.bytes.begin < passage.source.bytes.begin ||
          evidence.bytes.end > passage.source.bytes.end) {
        continue;
      }
      const std::size_t at = passage.text.find(evidence.text);
      if (at == std::string_view::npos) continue;
      return {std::string(passage.heading_path), std::string(passage.text.substr(0, at)),
              std::string(passage.text.substr(at + evidence.text.size()))};
    }
  }
  return {};
}

boost::json::array PanelData(const CheckReport& report, const corpus::Index& index) {
  boost::json::array data;
  for (const CheckedClaim& checked : report.claims) {
    boost::json::value item = ClaimToJson(checked);
    boost::json::array& evidence = item.as_object()["evidence"].as_array();
    for (std::size_t i = 0; i < evidence.size(); ++i) {
      const Context context = ContextOf(checked.judgement.evidence[i], index);
      boost::json::object& object = evidence[i].as_object();
      object["heading"] = text::RepairUtf8(context.heading);
      object["before"] = text::RepairUtf8(context.before);
      object["after"] = text::RepairUtf8(context.after);
    }
    data.push_back(std::move(item));
  }
  return data;
}

// JSON inside a script element must not open or close an element.
std::string ScriptSafe(const std::string& json) {
  std::string out;
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

// The answer with a button around every claim; claims that overlap an earlier one follow as chips.
std::string MarkedAnswer(const CheckReport& report) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < report.claims.size(); ++i) {
    const CheckedClaim& checked = report.claims[i];
    const std::string_view verdict = claims::VerdictName(checked.judgement.verdict);
    const text::Span span = checked.claim.span;
    const bool inside =
        !report.answer.empty() && span.begin >= at && span.end <= report.answer.size();
    if (inside)
      out += text::EscapeMarkup(std::string_view(report.answer).substr(at, span.begin - at));
    const std::string label = inside ? text::EscapeMarkup(span.of(report.answer))
                                     : text::EscapeMarkup(checked.claim.text);
    out += fmt::format(R"({}<button class="claim {}" data-claim="{}" title="{}">{}</button>{})",
                       inside ? "" : " [", verdict, i, verdict, label, inside ? "" : "]");
    if (inside) at = span.end;
    if (report.answer.empty()) out += '\n';
  }
  if (!report.answer.empty()) out += text::EscapeMarkup(std::string_view(report.answer).substr(at));
  return out;
}

}  // namespace

std::string ReportToHtml(const CheckReport& report, const corpus::Index& index) {
  std::string page(kHead);
  page += fmt::format("<title>Assay: {}</title></head><body>\n",
                      text::EscapeMarkup(report.answer_name));
  page += fmt::format(
      "<header><h1>{} against {}</h1><p><b class=\"supported\">{} supported</b>, <b "
      "class=\"contradicted\">{} "
      "contradicted</b>, <b class=\"unverified\">{} unverified</b></p></header>\n",
      text::EscapeMarkup(report.answer_name), text::EscapeMarkup(report.documents),
      report.summary.supported, report.summary.contradicted, report.summary.unverified);
  page += fmt::format(
      "<main><div id=\"answer\">{}</div><aside id=\"panel\" aria-live=\"polite\"></aside></main>\n",
      MarkedAnswer(report));
  page += fmt::format("<script type=\"application/json\" id=\"data\">{}</script>\n",
                      ScriptSafe(CompactJson(PanelData(report, index))));
  page += kScript;
  return page;
}

}  // namespace assay::cli
