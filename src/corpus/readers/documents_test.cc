#include "assay/corpus/documents.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "passages/chunker.h"
#include "tests/corpus_fixture.h"

namespace assay::corpus {
namespace {

Document Parse(Format format, std::string bytes) {
  auto document = ParseDocument("doc", format, std::move(bytes));
  EXPECT_TRUE(document) << document.error().message;
  return document ? std::move(*document) : Document();
}

std::vector<std::string> Texts(const Document& document) {
  std::vector<std::string> texts;
  for (const Block& block : document.blocks) texts.push_back(block.text);
  return texts;
}

std::string Message(Format format, std::string bytes) {
  const auto document = ParseDocument("doc", format, std::move(bytes));
  return document ? "no error" : document.error().message;
}

// The sentences of all passages with the raw bytes that each points to.
struct Located {
  std::string text;
  std::uint32_t line;
  std::string raw;
};
std::vector<Located> Locate(const Document& document, std::string_view raw) {
  std::vector<PassageDraft> passages;
  CutPassages(document, passages);
  std::vector<Located> located;
  for (const PassageDraft& passage : passages) {
    for (const PassageSentence& sentence : passage.sentences) {
      located.push_back({std::string(sentence.text.of(passage.text)), sentence.source.line,
                         std::string(sentence.source.bytes.of(raw))});
    }
  }
  return located;
}

TEST(Markdown, KeepsLinesAndBytesOfTheRawFile) {
  const std::string raw =
      "# Rules\n\nSome *short* text &amp; a [link](https://x.example/a_(b)). Next `code` one.\n"
      "Wrapped\nline here.\n";
  const auto located = Locate(Parse(Format::kMarkdown, raw), raw);
  ASSERT_EQ(located.size(), 3u);
  EXPECT_EQ(located[0].text, "Some short text & a link.");
  EXPECT_EQ(located[0].raw, "Some *short* text &amp; a [link](https://x.example/a_(b)).");
  EXPECT_EQ(located[0].line, 3u);
  EXPECT_EQ(located[1].text, "Next code one.");
  EXPECT_EQ(located[1].raw, "Next `code` one.");
  EXPECT_EQ(located[2].text, "Wrapped line here.");
  EXPECT_EQ(located[2].raw, "Wrapped\nline here.");
  EXPECT_EQ(located[2].line, 4u);
}

TEST(Markdown, ReadsTablesByTheirHeader) {
  const std::string raw =
      "Prices below.\n\n| Plan | Price |\n|---|--:|\n| Basic | **10** € |\n| Pro \\| Max | |\n";
  const Document document = Parse(Format::kMarkdown, raw);
  EXPECT_EQ(Texts(document), (std::vector<std::string>{"Prices below.", "Plan: Basic; Price: 10 €",
                                                       "Plan: Pro | Max"}));
  EXPECT_EQ(document.blocks[1].kind, text::BlockKind::kTableRow);
  EXPECT_EQ(Locate(document, raw)[1].raw, "| Basic | **10** € |");
  EXPECT_EQ(document.LineOf(document.blocks[2].source.begin), 6u);
}

TEST(Markdown, KeepsHeadingPathsListsQuotesAndCode) {
  const Document document =
      Parse(Format::kMarkdown,
            "---\ntitle: Policy\n---\nA\n=\n\n## B\n\n* one\n  * two\n\n> said\n\n"
            "### C\n\n    x = 1\n\n## D\n\ntext\n");
  EXPECT_EQ(document.title, "Policy");
  EXPECT_EQ(document.headings, (std::vector<std::string>{"A", "A > B", "A > B > C", "A > D"}));
  std::vector<text::BlockKind> kinds;
  for (const Block& block : document.blocks) kinds.push_back(block.kind);
  using enum text::BlockKind;
  EXPECT_EQ(kinds, (std::vector{kListItem, kHeading, kHeading, kListItem, kListItem, kQuote,
                                kHeading, kCode, kHeading, kParagraph}));
  EXPECT_EQ(document.blocks[4].text, "two");
  EXPECT_EQ(document.blocks[3].group, document.blocks[4].group);
}

TEST(PlainText, SplitsParagraphsAndListItems) {
  const std::string raw = "One is here\nand goes on.\r\n\r\n- first\n- second\n\n1) third\n";
  const Document document = Parse(Format::kText, raw);
  EXPECT_EQ(Texts(document),
            (std::vector<std::string>{"One is here and goes on.", "first", "second", "third"}));
  EXPECT_EQ(document.blocks[2].kind, text::BlockKind::kListItem);
  EXPECT_EQ(document.LineOf(document.blocks[3].source.begin), 7u);
}

TEST(Html, ReadsOnlyWhatIsVisible) {
  const std::string raw =
      "<html><head><title>My page</title><style>p{}</style></head>\n<body><h1>Top</h1>\n"
      "<p>First &eacute;t&eacute; <b>bold</b>.</p><script>var x = 'no';</script>\n"
      "<div style='display: none'>secret</div><div hidden>secret</div>\n"
      "<ul><li>One<li>Two</ul><table><tr><th>Plan<th>Price<tr><td>Basic<td>10 &euro;</table>\n"
      "<h2>Sub</h2><blockquote>Quote.</blockquote></body></html>";
  const Document document = Parse(Format::kHtml, raw);
  EXPECT_EQ(document.title, "My page");
  EXPECT_EQ(Texts(document),
            (std::vector<std::string>{"Top", "First été bold.", "One", "Two",
                                      "Plan: Basic; Price: 10 €", "Sub", "Quote."}));
  EXPECT_EQ(document.headings, (std::vector<std::string>{"Top", "Top > Sub"}));
  const auto located = Locate(document, raw);
  EXPECT_EQ(located[0].line, 3u);
  EXPECT_EQ(located[0].raw, "First &eacute;t&eacute; <b>bold</b>.");
}

TEST(Html, ReadsAPageThatNestsAHundredThousandDeep) {
  std::string raw;
  for (int i = 0; i < 100'000; ++i) raw += "<div>";
  const Document document = Parse(Format::kHtml, raw + "deep text");
  EXPECT_EQ(document.blocks[0].text, "deep text");
  ASSERT_EQ(document.warnings.size(), 1u);
}

TEST(Csv, NamesColumnsAndKeepsQuotedLineBreaks) {
  const std::string raw = "name;price;note\n\"Anna; \"\"A\"\"\";10;\"two\nlines\"\n\nBob;20;\n";
  const Document document = Parse(Format::kCsv, raw);
  EXPECT_EQ(Texts(document),
            (std::vector<std::string>{"name: Anna; \"A\"; price: 10; note: two lines",
                                      "name: Bob; price: 20"}));
  EXPECT_EQ(document.LineOf(document.blocks[1].source.begin), 5u);
  EXPECT_EQ(document.blocks[1].source.of(raw), "Bob;20;");
}

TEST(Csv, WarnsOfUnevenRowsAndOpenQuotesWithTheirLine) {
  const Document uneven = Parse(Format::kCsv, "a,b\n1,2\n1,2,3\n4\n");
  ASSERT_EQ(uneven.warnings.size(), 1u);
  EXPECT_EQ(uneven.warnings[0].message,
            "doc:3: has another number of fields than the header's 2 (2 such rows)");
  const Document open = Parse(Format::kCsv, "a,b\n1,\"two\n");
  ASSERT_EQ(open.warnings.size(), 1u);
  EXPECT_EQ(open.warnings[0].message, "doc:2: a quoted field has no closing quote");
  EXPECT_EQ(Message(Format::kCsv, "a,b\n"), "doc: a CSV file without a record after its header");
}

TEST(Jsonl, TurnsFieldsToTextAndLeavesOutBrokenLines) {
  const std::string raw =
      "{\"a\": 1, \"b\": {\"c\": \"text\", \"d\": [true, null]}}\nnot json\n"
      "{\"e\": \"caf\\u00e9 \\\"q\\\"\"}\n";
  const Document document = Parse(Format::kJsonl, raw);
  EXPECT_EQ(Texts(document),
            (std::vector<std::string>{"a: 1; b.c: text; b.d: true; b.d: null", "e: café \"q\""}));
  EXPECT_EQ(document.LineOf(document.blocks[1].source.begin), 3u);
  ASSERT_EQ(document.warnings.size(), 1u);
  EXPECT_TRUE(document.warnings[0].message.starts_with("doc:2: is no valid JSON"));
}

TEST(Json, MakesARecordOfEachElement) {
  const std::string raw = "[{\"id\": 1, \"name\": \"first\"},\n {\"id\": 2, \"name\": \"second\"}]";
  const Document document = Parse(Format::kJson, raw);
  EXPECT_EQ(Texts(document),
            (std::vector<std::string>{"id: 1; name: first", "id: 2; name: second"}));
  EXPECT_EQ(document.LineOf(document.blocks[1].source.begin), 2u);
  EXPECT_TRUE(Message(Format::kJson, "{\"a\": ").starts_with("doc: is no valid JSON"));
}

// A PDF of one text line per page, as small as poppler accepts.
std::string MakePdf(const std::vector<std::string>& pages) {
  std::string pdf = "%PDF-1.4\n";
  std::vector<std::size_t> offsets;
  const auto object = [&](const std::string& body) {
    offsets.push_back(pdf.size());
    pdf += fmt::format("{} 0 obj\n{}\nendobj\n", offsets.size(), body);
  };
  std::string kids;
  for (std::size_t i = 0; i < pages.size(); ++i) kids += fmt::format("{} 0 R ", 4 + 2 * i);
  object("<< /Type /Catalog /Pages 2 0 R >>");
  object(fmt::format("<< /Type /Pages /Kids [{}] /Count {} >>", kids, pages.size()));
  object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
  for (std::size_t i = 0; i < pages.size(); ++i) {
    object(
        fmt::format("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R "
                    "/Resources << /Font << /F1 3 0 R >> >> >>",
                    5 + 2 * i));
    const std::string stream =
        pages[i].empty() ? "" : fmt::format("BT /F1 12 Tf 72 700 Td ({}) Tj ET", pages[i]);
    object(fmt::format("<< /Length {} >>\nstream\n{}\nendstream", stream.size(), stream));
  }
  const std::size_t table = pdf.size();
  pdf += fmt::format("xref\n0 {}\n0000000000 65535 f \n", offsets.size() + 1);
  for (const std::size_t offset : offsets) pdf += fmt::format("{:010} 00000 n \n", offset);
  pdf += fmt::format("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{}\n%%EOF\n",
                     offsets.size() + 1, table);
  return pdf;
}

TEST(Pdf, ReadsPageByPage) {
  const Document document =
      Parse(Format::kPdf, MakePdf({"The first page.", "", "The third page."}));
  ASSERT_EQ(Texts(document), (std::vector<std::string>{"The first page.", "The third page."}));
  EXPECT_EQ(document.blocks[0].page, 1u);
  EXPECT_EQ(document.blocks[1].page, 3u);
  ASSERT_EQ(document.warnings.size(), 1u);
  EXPECT_TRUE(document.warnings[0].message.starts_with("doc: 1 of 3 pages hold no text"));
}

TEST(Pdf, RefusesWhatIsNoPdfOrIsCut) {
  EXPECT_EQ(Message(Format::kPdf, "hello"),
            "doc: cannot be read as a PDF (it does not start with %PDF-)");
  EXPECT_EQ(Message(Format::kPdf, "%PDF-1.4\nnothing"),
            "doc: cannot be read as a PDF (it is damaged)");
}

TEST(Encoding, RepairsInvalidUtf8AndNamesTheOffset) {
  const Document document = Parse(Format::kText, "caf\xE9 is ok\xC3");
  EXPECT_EQ(document.blocks[0].text, "caf\xEF\xBF\xBD is ok\xEF\xBF\xBD");
  ASSERT_EQ(document.warnings.size(), 1u);
  EXPECT_EQ(document.warnings[0].message,
            "doc: 2 invalid UTF-8 sequence(s), the first at byte offset 3; read as U+FFFD");
  EXPECT_EQ(Locate(document, "caf\xE9 is ok\xC3")[0].raw, "caf\xE9 is ok\xC3");
}

TEST(Encoding, ReadsByteOrderMarks) {
  const Document utf8 = Parse(Format::kMarkdown, "\xEF\xBB\xBF# Head\n\ntext\n");
  EXPECT_EQ(utf8.blocks[0].kind, text::BlockKind::kHeading);
  EXPECT_EQ(utf8.blocks[0].source.begin, 5u);
  const std::string little("\xFF\xFEH\0i\0 \0=\xD8\x00\xDE", 12);
  EXPECT_EQ(Parse(Format::kText, little).blocks[0].text, "Hi \xF0\x9F\x98\x80");
  const std::string big("\xFE\xFF\0H\0i", 6);
  EXPECT_EQ(Parse(Format::kText, big).blocks[0].text, "Hi");
}

TEST(Encoding, RefusesEmptyAndBinaryFiles) {
  EXPECT_EQ(Message(Format::kText, " \n\t"), "doc: is empty");
  EXPECT_TRUE(Message(Format::kText, std::string("ab\0c", 4)).starts_with("doc: is a binary file"));
  EXPECT_EQ(Message(Format::kMarkdown, "<!-- only a comment -->"), "doc: holds no readable text");
}

TEST(FormatOf, LooksAtNameAndContent) {
  EXPECT_EQ(FormatOf("a/b.MD", "x"), Format::kMarkdown);
  EXPECT_EQ(FormatOf("report.txt", "%PDF-1.7"), Format::kPdf);
  EXPECT_EQ(FormatOf("page", " <!DOCTYPE html><p>"), Format::kHtml);
  EXPECT_EQ(FormatOf("notes.v2/readme", "hello"), Format::kText);
}

TEST(ListDocuments, SkipsHiddenBinaryAndLoopingEntries) {
  const TempFolder folder;
  for (const char* name : {"b.md", "a.txt", "sub/c.html", ".git/x.md", "node_modules/y.md",
                           ".hidden.md", "image.PNG", ".assay/index.assay", "index.assay"}) {
    folder.Write(name, "text");
  }
  std::filesystem::create_directory_symlink(folder.path(), folder / "sub/loop");
  std::filesystem::create_symlink("nowhere", folder / "dangling.md");
  const auto listing = ListDocuments(core::FileSystem::Real(), folder.path());
  ASSERT_TRUE(listing);
  std::vector<std::string> names;
  for (const FileToRead& file : listing->files) names.push_back(file.shown_path);
  EXPECT_EQ(names, (std::vector<std::string>{"a.txt", "b.md", "sub/c.html"}));
  ASSERT_EQ(listing->warnings.size(), 1u);
  EXPECT_EQ(listing->warnings[0].file, "dangling.md");
  EXPECT_EQ(ListDocuments(core::FileSystem::Real(), folder / "absent").error().code,
            Code::kNotFound);
}

TEST(CutPassages, KeepsSentencesWholeAndPassagesNearTheirLength) {
  std::string raw = "# Head\n\n";
  for (int i = 0; i < 60; ++i) {
    raw += fmt::format("Rule number {} says that the office is open on some days of the week. ", i);
    if (i % 5 == 4) raw += "\n\n";
  }
  std::vector<PassageDraft> passages;
  CutPassages(Parse(Format::kMarkdown, raw), passages);
  ASSERT_GE(passages.size(), 7u);
  std::size_t sentences = 0;
  for (const PassageDraft& passage : passages) {
    const auto words = std::ranges::count(passage.text, ' ') + 1;
    EXPECT_LE(words, 135);
    sentences += passage.sentences.size();
    for (const PassageSentence& sentence : passage.sentences) {
      EXPECT_TRUE(sentence.text.of(passage.text).starts_with("Rule number"));
      EXPECT_TRUE(sentence.text.of(passage.text).ends_with("week."));
    }
  }
  EXPECT_EQ(sentences, 60u);
}

TEST(CutPassages, TakesTheLeadInOfAListAlong) {
  std::string raw = "Staff may claim:\n\n";
  for (int i = 0; i < 30; ++i)
    raw += fmt::format("- item {} with quite a few words to fill up\n", i);
  std::vector<PassageDraft> passages;
  CutPassages(Parse(Format::kMarkdown, raw), passages);
  ASSERT_GE(passages.size(), 2u);
  for (const PassageDraft& passage : passages) {
    EXPECT_TRUE(passage.text.starts_with("Staff may claim:\nitem")) << passage.text;
    EXPECT_EQ(passage.sentences[0].source.line, 1u);
  }
}

TEST(CutPassages, TakesTheSentenceBeforeAPronounAlong) {
  std::string raw;
  for (int i = 0; i < 12; ++i) {
    raw +=
        fmt::format("The committee of year {} met in the big hall. It chose nine new members. ", i);
  }
  std::vector<PassageDraft> passages;
  CutPassages(Parse(Format::kText, raw), passages);
  ASSERT_GE(passages.size(), 2u);
  for (const PassageDraft& passage : passages) {
    EXPECT_TRUE(passage.text.starts_with("The committee")) << passage.text;
  }
}

TEST(CutPassages, MakesAPassageOfAHeadingWithoutText) {
  std::vector<PassageDraft> passages;
  CutPassages(Parse(Format::kMarkdown, "# Top\n\n## Alone\n\n## Other\n\nBody.\n"), passages);
  ASSERT_EQ(passages.size(), 2u);
  EXPECT_EQ(passages[0].text, "Alone");
  EXPECT_EQ(passages[0].sentences[0].block, text::BlockKind::kHeading);
  EXPECT_EQ(passages[1].text, "Body.");
}

TEST(Documents, EveryReaderSurvivesEveryPrefixOfARealFile) {
  const std::string raw =
      "# A [b](c \"d\") `e`\n\n| x | y |\n|---|---|\n| *1* | <br> |\n\n- l\n  > q &eacute;\n\n"
      "<p>h</p>\n{\"a\": [\"b\\n\", 1.5]}\n\"q;\"\"r\"\n";
  for (std::size_t size = 0; size <= raw.size(); ++size) {
    for (const Format format : {Format::kText, Format::kMarkdown, Format::kHtml, Format::kCsv,
                                Format::kJsonl, Format::kJson, Format::kPdf}) {
      const auto document = ParseDocument("doc", format, raw.substr(0, size));
      if (!document) continue;
      for (const Located& located : Locate(*document, raw)) {
        EXPECT_FALSE(located.text.empty());
        EXPECT_FALSE(located.raw.empty());
      }
    }
  }
}

}  // namespace
}  // namespace assay::corpus
