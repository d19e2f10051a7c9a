// The public suites of the three syntaxes: yaml-test-suite, JSONTestSuite, toml-test. Every case
// that is not read as the suite has it stands in docs/formats/configuration-files.md with its
// reason.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "assay/config/parse.h"

namespace assay::config {
namespace {

namespace fs = std::filesystem;

fs::path SuiteFolder(std::string_view name) {
  const char* data = std::getenv("ASSAY_DATA");
  return data == nullptr ? fs::path() : fs::path(data) / "config" / name;
}

std::string ReadAll(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

// The suite writes invisible characters as visible ones.
std::string Unmask(std::string text) {
  for (const char* tab : {"————»", "———»", "——»", "—»", "»"}) ReplaceAll(text, tab, "\t");
  ReplaceAll(text, "␣", " ");
  ReplaceAll(text, "↵", "");
  ReplaceAll(text, "←", "\r");
  ReplaceAll(text, "⇔", "\xEF\xBB\xBF");
  if (const auto end = text.find("∎"); end != std::string::npos) {
    text.resize(end);
  }
  return text;
}

bool Same(const Value& a, const Value& b) {
  const auto number = [](const Value& v) {
    return v.as_integer() ? static_cast<double>(*v.as_integer())
           : v.as_float() ? *v.as_float()
                          : NAN;
  };
  if (!std::isnan(number(a)) || !std::isnan(number(b))) return number(a) == number(b);
  if (a.kind() != b.kind()) return false;
  if (a.as_bool()) return *a.as_bool() == *b.as_bool();
  if (a.as_string()) return *a.as_string() == *b.as_string();
  if (a.as_list()) {
    return std::equal(a.as_list()->begin(), a.as_list()->end(), b.as_list()->begin(),
                      b.as_list()->end(), Same);
  }
  if (a.as_map()) {
    if (a.as_map()->size() != b.as_map()->size()) return false;
    for (const Member& member : *a.as_map()) {
      const Value* other = b.Find(member.key);
      if (other == nullptr || !Same(member.value, *other)) return false;
    }
  }
  return true;
}

using CasesByReason = std::map<std::string, std::set<std::string>>;

// The list of the page between the markers of that suite must be this one.
void ExpectDocumented(const std::string& suite, const CasesByReason& expected) {
  std::string list;
  for (const auto& [reason, cases] : expected) {
    list += "- " + reason + ":";
    for (const std::string& name : cases) list += " `" + name + "`";
    list += "\n";
  }
  const char* source = std::getenv("ASSAY_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  const std::string page = ReadAll(fs::path(source) / "docs/formats/configuration-files.md");
  const std::string begin = "<!-- " + suite + ":begin -->\n";
  const auto from = page.find(begin);
  const auto to = page.find("<!-- " + suite + ":end -->");
  ASSERT_TRUE(from != std::string::npos && to != std::string::npos) << suite;
  EXPECT_EQ(page.substr(from + begin.size(), to - from - begin.size()), list);
}

// Why a configuration refuses on purpose what YAML allows; empty when it does not.
std::string ReasonOfRefusal(const std::string& message) {
  const std::vector<std::pair<const char*, const char*>> reasons = {
      {"a second document begins here", "refused, a configuration is one document"},
      {"a key must be a scalar", "refused, a key must be a scalar"},
      {"a second time", "refused, a key stands twice"}};
  for (const auto& [part, reason] : reasons) {
    if (message.find(part) != std::string::npos) return reason;
  }
  return {};
}

TEST(YamlConformance, AgreesWithTheYamlTestSuite) {
  const fs::path folder = SuiteFolder("yaml");
  if (!fs::is_directory(folder)) GTEST_SKIP() << "set ASSAY_DATA to run the YAML test suite";
  int accepted = 0;
  int refused = 0;
  CasesByReason differing;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto suite = Parse(ReadAll(entry.path()), entry.path().filename(), Syntax::kYaml);
    ASSERT_TRUE(suite.has_value()) << suite.error().message;
    std::string yaml;
    std::string json;
    int number = 0;
    for (const Value& test : *suite->root.as_list()) {
      const std::string id = entry.path().stem().string() + "/" + std::to_string(number++);
      if (const Value* text = test.Find("yaml")) yaml = Unmask(std::string(*text->as_string()));
      if (const Value* text = test.Find("json"))
        json = text->as_string() ? *text->as_string() : std::string_view();
      const Value* fail = test.Find("fail");
      const auto document = Parse(yaml, id, Syntax::kYaml);
      if (fail != nullptr && fail->as_bool() && *fail->as_bool()) {
        if (document) differing["read, although it is no YAML"].insert(id);
        ++refused;
        continue;
      }
      ++accepted;
      if (!document) {
        const std::string reason = ReasonOfRefusal(document.error().message);
        differing[reason.empty() ? "refused, libfyaml 0.7.12 does not read it" : reason].insert(id);
        continue;
      }
      const auto expected = Parse(json, id, Syntax::kJson);
      if (expected && !Same(document->root, expected->root)) {
        differing["read as something else"].insert(id);
      }
    }
  }
  EXPECT_GT(accepted, 250);
  EXPECT_GT(refused, 60);
  ExpectDocumented("yaml-test-suite", differing);
}

TEST(JsonConformance, AgreesWithJsonTestSuite) {
  const fs::path folder = SuiteFolder("json") / "test_parsing";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "set ASSAY_DATA to run the JSON test suite";
  ParseOptions options;
  options.allow_duplicate_keys = true;
  options.max_depth = 1024;
  std::map<char, int> seen;
  CasesByReason differing;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    const bool parsed = Parse(ReadAll(entry.path()), name, Syntax::kJson, options).has_value();
    ++seen[name[0]];
    if (name[0] == 'i') {
      differing[parsed ? "left to the reader by RFC 8259, and read"
                       : "left to the reader by RFC 8259, and refused"]
          .insert(name);
    }
    const bool by_default = Parse(ReadAll(entry.path()), name, Syntax::kJson).has_value();
    if (name[0] == 'y' && parsed && !by_default) {
      differing["refused by default, a key stands twice"].insert(name);
    }
    if (name[0] == 'y') {
      EXPECT_TRUE(parsed) << name;
    }
    if (name[0] == 'n') {
      EXPECT_FALSE(parsed) << name;
    }
  }
  EXPECT_EQ(seen['y'], 95);
  EXPECT_EQ(seen['n'], 188);
  ExpectDocumented("JSONTestSuite", differing);
}

// toml-test writes a leaf as {"type": ..., "value": ...}.
bool MatchesTagged(const Value& ours, const Value& tagged) {
  if (tagged.Find("type") != nullptr && tagged.Find("value") != nullptr &&
      tagged.Find("type")->as_string()) {
    const std::string_view type = *tagged.Find("type")->as_string();
    const std::string text(*tagged.Find("value")->as_string());
    if (type == "string") return ours.as_string() && *ours.as_string() == text;
    if (type == "bool") return ours.as_bool() && *ours.as_bool() == (text == "true");
    if (type == "integer") return ours.as_integer() && std::to_string(*ours.as_integer()) == text;
    if (type == "float") {
      const double expected = std::strtod(text.c_str(), nullptr);
      return ours.as_float() && (*ours.as_float() == expected ||
                                 (std::isnan(expected) && std::isnan(*ours.as_float())));
    }
    return ours.as_string() != nullptr;  // dates and times: the text may be written in two ways
  }
  if (tagged.as_map()) {
    if (!ours.as_map() || ours.as_map()->size() != tagged.as_map()->size()) return false;
    for (const Member& member : *tagged.as_map()) {
      const Value* value = ours.Find(member.key);
      if (value == nullptr || !MatchesTagged(*value, member.value)) return false;
    }
    return true;
  }
  if (tagged.as_list()) {
    return ours.as_list() &&
           std::equal(ours.as_list()->begin(), ours.as_list()->end(), tagged.as_list()->begin(),
                      tagged.as_list()->end(), MatchesTagged);
  }
  return false;
}

TEST(TomlConformance, AgreesWithTomlTestForVersionOne) {
  const fs::path folder = SuiteFolder("toml");
  if (!fs::is_directory(folder)) GTEST_SKIP() << "set ASSAY_DATA to run the TOML test suite";
  std::istringstream list(ReadAll(folder / "files-toml-1.0.0"));
  CasesByReason differing;
  int cases = 0;
  for (std::string name; std::getline(list, name);) {
    if (!name.ends_with(".toml") || !fs::exists(folder / name)) continue;
    ++cases;
    const auto document = Parse(ReadAll(folder / name), name, Syntax::kToml);
    if (name.starts_with("invalid/")) {
      if (document) differing["read, although it is no TOML 1.0"].insert(name);
      continue;
    }
    fs::path json_path = folder / name;
    const auto expected = Parse(ReadAll(json_path.replace_extension(".json")), name, Syntax::kJson);
    ASSERT_TRUE(expected.has_value()) << expected.error().message;
    if (!document || !MatchesTagged(document->root, expected->root)) {
      differing["refused, or read as something else"].insert(name);
    }
  }
  EXPECT_GT(cases, 600);
  ExpectDocumented("toml-test", differing);
}

}  // namespace
}  // namespace assay::config
