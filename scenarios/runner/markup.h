// Markup: XML and HTML as one tree, and XPath over it. HTML is read the way pages are written (void
// elements, attributes without values, unclosed paragraphs), enough to prove what a page holds; it
// is not a browser's tree.
#pragma once
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace scenarios {

class Markup {
  public:
    static Markup parse(std::string_view text);
    Markup(Markup&&) noexcept;
    Markup& operator=(Markup&&) noexcept;
    ~Markup();

    // A string, number or boolean; of a node set the list of its texts. The query compiles (see
    // xpath_problem).
    std::optional<base::Node> xpath(const std::string& query) const;

  private:
    Markup();
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

// Why the query does not compile, "" when it does.
std::string xpath_problem(const std::string& query);

}  // namespace scenarios
