// Questions and instructions.
#include "assay/text/cues.h"

#include "cues/lexicon_internal.h"

namespace assay::text {
namespace {

enum Role : std::uint32_t { kImperative = 1, kLead = 2, kFollower = 4, kFinite = 8, kAsks = 16 };

constexpr std::string_view kImperatives =
    "add|adjust|allow|apply|arrange|ask|attach|avoid|bake|begin|bring|browse|build|buy|call|cancel|"
    "change|check|choose|clean|click|close|combine|compare|complete|configure|confirm|connect|"
    "consider|consult|contact|continue|convert|cook|copy|count|cover|create|cut|decide|define|"
    "delete|describe|design|determine|disable|discuss|divide|download|drag|drain|draw|drink|drive|"
    "eat|edit|email|enable|ensure|enter|evaluate|examine|exit|explain|explore|fill|find|finish|fix|"
    "fold|follow|forget|format|gather|get|give|go|grab|grill|hang|have|heat|help|hold|identify|"
    "imagine|import|include|increase|inform|insert|install|invite|join|keep|know|launch|learn|"
    "leave|let|limit|list|listen|locate|log|look|maintain|make|mark|measure|meet|melt|mix|monitor|"
    "move|multiply|navigate|note|notice|notify|offer|open|order|pack|paste|pay|peel|perform|pick|"
    "place|plan|plug|pour|practice|preheat|prepare|press|print|proceed|provide|pull|push|put|read|"
    "reach|record|reduce|refer|register|remember|remove|rename|repeat|replace|reply|report|request|"
    "research|reset|restart|return|review|rinse|roll|rotate|run|save|scan|schedule|scroll|search|"
    "season|see|select|send|serve|set|share|show|sign|simmer|sit|skip|sleep|slice|speak|spend|"
    "spread|sprinkle|start|stay|stir|stop|store|strain|submit|subtract|switch|take|talk|tap|tell|"
    "test|think|throw|toss|transfer|treat|try|turn|type|unplug|update|upload|use|verify|view|visit|"
    "wait|wash|watch|wear|whisk|wipe|work|wrap|write";
constexpr std::string_view kLeads =
    "please|then|next|first|second|finally|simply|just|also|now|always|never|kindly|instead|"
    "otherwise|lastly|afterwards";
constexpr std::string_view kFollowers =
    "the|a|an|your|my|our|his|her|their|its|this|that|these|those|it|them|me|us|him|yourself|"
    "on|in|into|to|for|with|from|at|by|out|up|down|off|over|back|sure|all|any|some|each|every|if|"
    "whether|how|what|where|when|why|as|until|about|through|only|both|one|two|three|more|not|no|"
    "and|or|around|away|again|carefully|here|there|enough|plenty";
constexpr std::string_view kFinites =
    "is|are|was|were|has|had|will|would|can|could|may|might|must|shall|should|does|did";
constexpr std::string_view kQuestionWords =
    "what|who|whom|whose|which|when|where|why|how|is|are|was|were|do|does|did|can|could|will|"
    "would|should|may|shall|have|has|had|isn't|aren't|don't|doesn't|didn't|can't|couldn't|won't|"
    "wouldn't|am|must";
constexpr std::string_view kSubjects = "i|you|he|she|it|we|they|there|this|that|the|my|your|anyone";

struct Roles {
  Lexicon roles;
  Lexicon subjects;
  Roles() {
    roles.AddFlag(kImperatives, '|', kImperative);
    roles.AddFlag(kLeads, '|', kLead);
    roles.AddFlag(kFollowers, '|', kFollower);
    roles.AddFlag(kFinites, '|', kFinite);
    roles.AddFlag(kQuestionWords, '|', kAsks);
    subjects.InsertAll(kSubjects, '|', 1);
  }
  static const Roles& Get() {
    static const Roles roles;
    return roles;
  }
  [[nodiscard]] std::uint32_t Of(std::string_view word) const {
    const std::uint32_t role = roles.Find(LowerWord(word));
    return role == Lexicon::kAbsent ? 0 : role;
  }
};

// Whether an imperative starts at word i: the verb itself, or "do not", "don't", "be sure",
// "let's".
bool ImperativeAt(std::string_view text, std::span<const Span> words, std::size_t i) {
  const Roles& roles = Roles::Get();
  while (i + 1 < words.size() && i < 3 && (roles.Of(words[i].of(text)) & kLead) != 0 &&
         (roles.Of(words[i].of(text)) & kImperative) == 0) {
    ++i;
  }
  if (i >= words.size()) return false;
  const LowerWord word(words[i].of(text));
  const LowerWord next(i + 1 < words.size() ? words[i + 1].of(text) : std::string_view{});
  if (word.view() == "don't" || word.view() == "let's") return true;
  if (word.view() == "do" && next.view() == "not") return true;
  if (word.view() == "be" && (next.view() == "sure" || next.view() == "aware" ||
                              next.view() == "careful" || next.view() == "prepared")) {
    return true;
  }
  if (word.view() == "feel" && next.view() == "free") return true;
  if ((roles.Of(word) & kImperative) == 0) return false;
  if (i + 1 == words.size()) return true;
  if (next.view() == "of") return false;
  const std::uint32_t next_role = roles.Of(next);
  if ((next_role & kFinite) != 0) return false;
  if ((next_role & kFollower) != 0) return true;
  // "Report writing is ...", "Contact details are ...": a finite verb soon after means a noun.
  for (std::size_t j = i + 1; j < words.size() && j < i + 6; ++j) {
    if ((roles.Of(words[j].of(text)) & kFinite) != 0) return false;
  }
  // "Work began in May": a past tense right behind the word.
  return !next.view().ends_with("ed") && !next.view().ends_with("ing");
}

}  // namespace

bool IsQuestion(std::string_view text, std::span<const Span> words) {
  std::string_view end = text;
  while (!end.empty()) {
    const char c = end.back();
    if (c != ' ' && c != '\n' && c != '"' && c != '\'' && c != ')' && c != '*' && c != '_') break;
    end.remove_suffix(1);
  }
  if (end.ends_with('?') || end.ends_with("\xEF\xBC\x9F")) return true;
  if (words.size() < 3 || end.ends_with('.') || end.ends_with('!') || end.ends_with(':')) {
    return false;
  }
  const Roles& roles = Roles::Get();
  if ((roles.Of(words[0].of(text)) & kAsks) == 0) return false;
  const LowerWord second(words[1].of(text));
  return roles.subjects.Has(second) && second.view() != "the" && second.view() != "that";
}

bool IsInstruction(std::string_view text, std::span<const Span> words) {
  if (words.empty()) return false;
  if (ImperativeAt(text, words, 0)) return true;
  // "If you have questions, contact HR", "In the menu, click Save": the main clause decides.
  const LowerWord first(words[0].of(text));
  bool opens = false;
  for (const std::string_view word : {"if", "when", "once", "before", "after", "to", "in", "on",
                                      "at", "from", "under", "using", "alternatively", "for"}) {
    opens |= first.view() == word;
  }
  if (!opens) return false;
  for (std::size_t i = 1; i < words.size() && i < 24; ++i) {
    const std::string_view gap = text.substr(words[i - 1].end, words[i].begin - words[i - 1].end);
    if (gap.find(',') != std::string_view::npos) return ImperativeAt(text, words, i);
  }
  return false;
}

}  // namespace assay::text
