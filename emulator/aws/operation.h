// Operation tables: a row is a name (Query and JSON protocols) or a method + URI pattern (REST)
// with its function. A service's control_plane joins the spans of its files; the table finds.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aws/call.h"
#include "aws/error.h"

namespace aws {

template <class ControlPlane>
struct Operation {
    std::string_view name;  // "CreateTargetGroup"
    Reply (*run)(ControlPlane&, const Call&);
    // REST only: "PUT", "/2020-05-31/distribution/{Id}/config"; a discriminator is a query key that
    // must be present ("?tagging") or equal ("list-type=2"), "" = none.
    std::string_view method = {};
    std::string_view uri = {};
    std::string_view discriminator = {};
};

// Fills call.path; true when `path` (raw) has the pattern's segments. "{Key+}" takes the rest.
bool match_uri(std::string_view pattern, std::string_view path,
               std::map<std::string, std::string, std::less<>>& parameters);
bool match_discriminator(std::string_view discriminator,
                         const std::map<std::string, std::string, std::less<>>& query);

template <class ControlPlane>
class OperationTable {
  public:
    using Row = Operation<ControlPlane>;
    OperationTable(std::initializer_list<std::span<const Row>> files) {
        for (auto file : files)
            rows_.insert(rows_.end(), file.begin(), file.end());
    }
    const Row* find(std::string_view name) const {
        for (const Row& row : rows_)
            if (row.name == name) return &row;
        return nullptr;
    }
    // Most specific first: the row with the most literal segments, then with a discriminator.
    const Row* find_rest(Call& call, std::string_view method, std::string_view path) const;
    const std::vector<Row>& rows() const { return rows_; }

  private:
    std::vector<Row> rows_;
};

template <class ControlPlane>
const Operation<ControlPlane>* OperationTable<ControlPlane>::find_rest(
    Call& call, std::string_view method, std::string_view path) const {
    const Row* best = nullptr;
    int best_score = -1;
    for (const Row& row : rows_) {
        std::map<std::string, std::string, std::less<>> parameters;
        if (row.method != method || !match_uri(row.uri, path, parameters)) continue;
        if (!match_discriminator(row.discriminator, call.query)) continue;
        int score = static_cast<int>(row.uri.size()) - 20 * static_cast<int>(parameters.size()) +
                    (row.discriminator.empty() ? 0 : 1000);
        if (score > best_score) {
            best = &row;
            best_score = score;
            call.path = std::move(parameters);
        }
    }
    return best;
}

}  // namespace aws
