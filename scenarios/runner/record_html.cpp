// The HTML report: the page with the record in it. The page draws with textContent only, so nothing
// in a record is ever markup; the JSON needs one escape, for it stands inside a script element.
#include "base/text.h"
#include "scenarios/runner/record.h"

extern "C" const char run_report_begin[], run_report_end[];

namespace scenarios {

std::string html_report(const base::Node& record) {
    constexpr std::string_view kPlace = "@RECORD@";
    const std::string_view page(run_report_begin,
                                static_cast<size_t>(run_report_end - run_report_begin));
    const size_t place = page.find(kPlace);
    // HTML standard, "Restrictions for contents of script elements": "<!--" and "</script" end or
    // change them.
    const std::string json = base::replace_all(base::to_json(record), "<", "\\u003c");
    std::string out(page.substr(0, place));
    out += json;
    out += page.substr(place + kPlace.size());
    return out;
}

}  // namespace scenarios
