// Listings: keys in byte order rolled up at a delimiter into pages, the same way for objects,
// versions and uploads. Pure: the keys come from a cursor. S3 guide, "Organizing objects using
// prefixes"; s3.md §3.9.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace s3 {

struct ListQuery {
    std::string prefix;
    std::string delimiter;
    std::string after;  // exclusive; "" = from the start
    size_t max = 1000;
};

// One line of a page: an item of the cursor, or a common prefix.
template <class Item>
struct Listed {
    std::string common_prefix;  // "" = an item
    std::optional<Item> item;
    const std::string& name() const { return item ? item->key : common_prefix; }
};

template <class Item>
struct ListPage {
    std::vector<Listed<Item>> lines;
    bool is_truncated = false;
};

// The first text that sorts after everything that starts with `prefix`; "" when nothing does.
std::string after_prefix(std::string_view prefix);
// prefix + … + delimiter when the delimiter occurs in `key` behind the prefix, else "".
std::string common_prefix_of(std::string_view key, std::string_view prefix,
                             std::string_view delimiter);

// Cursor: `const Item* seek(std::string at_least)` and `const Item* next()`, in (key, own) order;
// Item has `key`.
template <class Item, class Cursor>
ListPage<Item> list_page(const ListQuery& query, Cursor& cursor) {
    ListPage<Item> page;
    if (query.max == 0) return page;
    std::string start = query.prefix;
    if (!query.after.empty() && query.after >= start) {
        // A marker within a common prefix: that prefix was on an earlier page, all of it.
        std::string rolled = query.after.starts_with(query.prefix)
                                 ? common_prefix_of(query.after, query.prefix, query.delimiter)
                                 : std::string();
        start = rolled.empty() ? query.after + '\0' : after_prefix(rolled);
        if (start.empty()) return page;
    }
    const Item* item = cursor.seek(start);
    while (item && std::string_view(item->key).starts_with(query.prefix)) {
        if (page.lines.size() == query.max) {
            page.is_truncated = true;
            break;
        }
        std::string rolled = common_prefix_of(item->key, query.prefix, query.delimiter);
        if (rolled.empty()) {
            page.lines.push_back({{}, *item});
            item = cursor.next();
        } else {
            std::string beyond = after_prefix(rolled);
            page.lines.push_back({std::move(rolled), std::nullopt});
            item = beyond.empty() ? nullptr : cursor.seek(beyond);
        }
    }
    return page;
}

// encoding-type=url: form-style, `/`, `*`, `-`, `_`, `.` bare, a space is `+` (measured on AWS:
// backlot#178).
std::string encode_for_listing(std::string_view text);

// Continuation tokens: opaque to clients, self-contained. Decoding gives nothing for what we never
// made.
std::string make_token(std::string_view last_name);
std::optional<std::string> read_token(std::string_view token);

}  // namespace s3
