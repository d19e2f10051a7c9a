// The cue phrases. One row a meaning; phrases are separated by '|', words by one space.
#include "cues/cue_table_internal.h"

namespace assay::text {
namespace {

constexpr std::uint8_t Of(Quantifier q) {
  return static_cast<std::uint8_t>(q);
}
constexpr std::uint8_t Of(Direction d) {
  return static_cast<std::uint8_t>(d);
}

constexpr CueRow kRows[] = {
    // Phrases that look like cues and are none; they come first so that they shadow the cues.
    {CueKind::kNegation, kNoCue,
     "not only|not just|not merely|not necessarily only|no doubt|no wonder|not to mention|"
     "no matter|not until|nothing but|no less than|no fewer than|may day|last but not least"},
    {CueKind::kComparative, Of(Direction::kAtLeast),
     "no less than|no fewer than|not less than|"
     "not fewer than"},
    {CueKind::kComparative, Of(Direction::kAtMost),
     "no more than|not more than|no longer than|"
     "no later than|not exceed|not exceeding|not later than|no greater than"},
    {CueKind::kNegation, 0,
     "not|no|never|without|neither|nor|none|nobody|nothing|nowhere|no longer|no one|not any|"
     "fail to|fails to|failed to|failing to|failure to|unable to|unable|incapable of|"
     "lack of|lacks|lack|lacked|lacking|absence of|absent|refuse to|refuses to|refused to|"
     "decline to|declines to|declined to|deny|denies|denied|denying|hardly|scarcely|barely|rarely|"
     "seldom|cannot|can not|stopped|ceased to|free of|instead of|rather than|far from|"
     "except|except for|excluding|other than|by no means|nor does|not at all|ain't|none of|"
     "neither of|prevents|prevent|prevented|avoid|avoids|avoided"},
    {CueKind::kHedge, 0,
     "might|could|may have|may be|may also be|may not be|possibly|perhaps|maybe|probably|"
     "reportedly|allegedly|supposedly|presumably|apparently|seemingly|potentially|likely|unlikely|"
     "appears|appear|appeared|appears to|seem|seems|seemed|suggests|suggest|suggested|"
     "it is possible|it is likely|is likely to|are likely to|is expected to|are expected to|"
     "is believed to|are believed to|is thought to|are thought to|it is believed|it is thought|"
     "it seems|it appears|tends to|tend to|in some cases|to some extent|"
     "as far as|not sure|unclear|uncertain|not clear|not certain|arguably|conceivably|"
     "rumored|rumoured|would likely|can sometimes|roughly speaking|i believe|"
     "i guess|we believe"},
    {CueKind::kObligation, 0,
     "must|shall|required|required to|is required|are required|have to|has to|had to|need to|"
     "needs to|needed to|mandatory|obliged to|obligatory|compulsory|obligated to|necessary|"
     "supposed to|expected to|responsible for|requires|require|are to|is to"},
    {CueKind::kPermission, 0,
     "may|can|allowed|allowed to|permitted|permitted to|entitled|entitled to|optional|free to|"
     "allows|allow|permit|permits|eligible|eligible for|eligible to|authorized to|authorised to|"
     "are welcome to|is welcome to|able to|voluntary|at your discretion"},
    {CueKind::kProhibition, 0,
     "must not|mustn't|shall not|cannot|can not|can't|may not|not allowed|not allowed to|"
     "not permitted|not permitted to|prohibited|prohibited from|prohibit|prohibits|forbidden|"
     "forbidden to|forbids|forbid|banned|bans|barred from|not entitled|not eligible|"
     "disallowed|against the rules|under no circumstances|illegal|unlawful|not authorized|"
     "not authorised|is not to|are not to|should not|shouldn't|off limits"},
    // The prohibitions with a negating word negate as well.
    {CueKind::kNegation, 0,
     "must not|shall not|may not|not allowed|not allowed to|not permitted|not permitted to|"
     "not entitled|not eligible|under no circumstances|not authorized|not authorised|is not to|"
     "are not to|should not|may not be|not sure|not clear|not certain"},
    {CueKind::kQuantifier, Of(Quantifier::kNone),
     "no|none|none of|neither|neither of|no one|nobody|nothing|not any|zero|not one"},
    {CueKind::kQuantifier, Of(Quantifier::kFew),
     "few|a few|very few|hardly any|a handful of|a small number of|a minority of|a couple of|"
     "seldom|rarely"},
    {CueKind::kQuantifier, Of(Quantifier::kSome),
     "some|several|at least one|some of|certain|a number of|various|sometimes|any of|"
     "one of|a portion of|part of|partly|partially|occasionally|one or more"},
    {CueKind::kQuantifier, Of(Quantifier::kMany),
     "many|many of|numerous|a lot of|lots of|a large number of|often|frequently|plenty of|"
     "a great deal of|countless|much of|dozens of|hundreds of|thousands of"},
    {CueKind::kQuantifier, Of(Quantifier::kMost),
     "most|most of|the majority of|a majority of|majority|usually|mostly|generally|the bulk of|"
     "nearly all|almost all|largely|in most cases|more than half of|typically|mainly"},
    {CueKind::kQuantifier, Of(Quantifier::kAll),
     "all|all of|every|each|each of|everyone|everybody|everything|both|always|entire|whole|"
     "entirely|completely|without exception|in all cases|any|fully|everywhere|100 percent of|"
     "every single"},
    {CueKind::kQuantifier, Of(Quantifier::kOnly),
     "only|solely|exclusively|just one|nothing but|merely|sole"},
    {CueKind::kComparative, Of(Direction::kAtLeast),
     "at least|a minimum of|minimum|minimum of|or more|or above|or longer|or older|or higher|"
     "or later|at the least|not before|starting at|starting from|and above|and older"},
    {CueKind::kComparative, Of(Direction::kAtMost),
     "at most|up to|a maximum of|maximum|maximum of|or less|or fewer|or below|or younger|"
     "or earlier|within|as much as|as many as|at the most|by the end of|and under|and below|"
     "not to exceed|limited to|as late as"},
    {CueKind::kComparative, Of(Direction::kSame),
     "equal to|the same as|same as|exactly|equals|identical to|as much|as many|precisely"},
    {CueKind::kComparative, Of(Direction::kUp),
     "more than|more|greater than|greater|higher|larger|bigger|longer|older|taller|faster|later|"
     "stronger|heavier|wider|deeper|farther|further|richer|better|over|above|exceeds|exceed|"
     "exceeded|exceeding|later than|after|in excess of|beyond|upwards of|warmer|hotter|louder|"
     "broader|increasingly|outperforms|outperform|outperformed|surpasses|surpassed|harder|"
     "brighter|newer|safer|busier|easier|happier|higher than|longer than|older than|"
     "larger than"},
    {CueKind::kComparative, Of(Direction::kDown),
     "less than|less|fewer than|fewer|smaller than|smaller|lower than|lower|shorter than|shorter|"
     "younger|younger than|slower|earlier|earlier than|weaker|lighter|narrower|shallower|nearer|"
     "closer|poorer|worse|under|below|before|prior to|cheaper|colder|cooler|quieter|decreasingly|"
     "sooner|short of|darker"},
    {CueKind::kSuperlative, Of(Direction::kUp),
     "highest|largest|biggest|longest|oldest|tallest|fastest|latest|strongest|heaviest|widest|"
     "deepest|farthest|furthest|richest|greatest|maximum|last|newest|hottest|warmest|"
     "loudest|the most|busiest|brightest|final|utmost|hardest"},
    {CueKind::kSuperlative, Of(Direction::kDown),
     "lowest|smallest|shortest|youngest|slowest|earliest|weakest|lightest|narrowest|shallowest|"
     "nearest|closest|poorest|fewest|least|the least|first|cheapest|coldest|coolest|quietest|"
     "minimum|the fewest|minimal"},
    {CueKind::kOpinion, 0,
     "i think|i feel|i believe|in my opinion|in our opinion|in my view|personally|i guess|"
     "i hope|we hope|i would say|i'd say|we think|we feel|we believe|to my mind|i suppose|"
     "i love|i like|i hate|i prefer|i recommend|we recommend|i would recommend|it seems to me|"
     "unfortunately|fortunately|sadly|luckily|hopefully|thankfully|surprisingly|interestingly|"
     "importantly|clearly|obviously|of course|frankly|honestly|should|shouldn't|ought to|"
     "beautiful|wonderful|amazing|awesome|terrible|horrible|awful|great|excellent|fantastic|"
     "delicious|boring|exciting|interesting|impressive|disappointing|ugly|lovely|perfect|"
     "stunning|best|worst|incredible|ridiculous|outrageous|brilliant|charming|a must|"
     "worth it|overrated|underrated|pleasant|unpleasant|remarkable|disgusting|shameful|"
     "must-see|nice|good|bad|fun|wrong|right thing|favorite|favourite"},
    {CueKind::kAttribution, 0,
     "according to|said that|says that|said|says|claims that|claimed that|claims|claimed|"
     "reported that|reports that|reported|stated that|states that|stated|argues that|argued that|"
     "announced that|announced|believes that|believed|as stated in|based on|as per|"
     "told|wrote that|noted that|notes that|mentions that|mentioned that|suggests that|"
     "study found|research shows|studies show|in the words of|quoted"},
};

}  // namespace

std::span<const CueRow> CueRows() {
  return kRows;
}

}  // namespace assay::text
