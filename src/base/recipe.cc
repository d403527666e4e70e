#include <fmt/format.h>
#include <prefiqs/error.h>
#include <prefiqs/recipe.h>

#include <array>
#include <utility>

#include "base/json.h"

namespace prefiqs {
namespace {

constexpr std::array<std::pair<Granularity, std::string_view>, 2> kGranularities{
    {{Granularity::kUnstructured, "unstructured"}, {Granularity::kStructured, "structured"}}};
constexpr std::array<std::pair<Criterion, std::string_view>, 2> kCriteria{
    {{Criterion::kL1, "l1"}, {Criterion::kRandom, "random"}}};
constexpr std::array<std::pair<Scope, std::string_view>, 3> kScopes{
    {{Scope::kGlobal, "global"}, {Scope::kLayer, "layer"}, {Scope::kChannel, "channel"}}};

template <typename Table, typename E>
std::string_view NameOf(const Table& table, E value) {
  for (const auto& [entry, text] : table) {
    if (entry == value) return text;
  }
  throw Error(ErrorCode::kRecipe, "recipe: a value outside its enumeration");
}

template <typename Table, typename E>
void ReadName(const nlohmann::json& object, const char* key, const Table& table, E& value) {
  const auto it = object.find(key);
  if (it == object.end()) return;
  std::string known;
  for (const auto& [entry, text] : table) {
    if (it->is_string() && it->template get_ref<const std::string&>() == text) {
      value = entry;
      return;
    }
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  throw Error(ErrorCode::kRecipe, fmt::format("recipe: \"{}\" must be one of {}", key, known));
}

void ReadNumber(const nlohmann::json& object, const char* key, double& value) {
  const auto it = object.find(key);
  if (it == object.end()) return;
  if (!it->is_number()) throw Error(ErrorCode::kRecipe, fmt::format("recipe: \"{}\" must be a number", key));
  value = it->get<double>();
}

}  // namespace

std::string_view name(Granularity granularity) { return NameOf(kGranularities, granularity); }
std::string_view name(Criterion criterion) { return NameOf(kCriteria, criterion); }
std::string_view name(Scope scope) { return NameOf(kScopes, scope); }

std::string Recipe::name() const {
  std::string text = fmt::format("{}-{}-{}-{}", prefiqs::name(granularity), prefiqs::name(criterion),
                                 prefiqs::name(scope), ShortestNumber(sparsity));
  if (from != 0) text += "-from" + ShortestNumber(from);
  if (criterion == Criterion::kRandom) text += fmt::format("-seed{}", seed);
  return text;
}

std::string Recipe::to_json() const {
  nlohmann::ordered_json object;
  object["granularity"] = prefiqs::name(granularity);
  object["criterion"] = prefiqs::name(criterion);
  object["scope"] = prefiqs::name(scope);
  object["sparsity"] = sparsity;
  object["from"] = from;
  if (criterion == Criterion::kRandom) object["seed"] = seed;
  return object.dump();
}

Recipe Recipe::from_json(std::string_view text) {
  const nlohmann::json object = ParseObject(text, {"granularity", "criterion", "scope", "sparsity", "from", "seed"},
                                            ErrorCode::kRecipe, "recipe");
  Recipe recipe;
  ReadName(object, "granularity", kGranularities, recipe.granularity);
  ReadName(object, "criterion", kCriteria, recipe.criterion);
  ReadName(object, "scope", kScopes, recipe.scope);
  ReadNumber(object, "sparsity", recipe.sparsity);
  ReadNumber(object, "from", recipe.from);
  if (const auto it = object.find("seed"); it != object.end()) {
    if (!it->is_number_unsigned()) throw Error(ErrorCode::kRecipe, "recipe: \"seed\" must be a whole number from 0 up");
    recipe.seed = it->get<std::uint64_t>();
  }
  recipe.validate();
  return recipe;
}

void Recipe::validate() const {
  // Written so that NaN fails.
  if (!(sparsity >= 0 && sparsity < 1)) {
    throw Error(ErrorCode::kRecipe, fmt::format("recipe: sparsity {} is outside [0, 1)", sparsity));
  }
  if (!(from >= 0 && from < 1)) {
    throw Error(ErrorCode::kRecipe, fmt::format("recipe: from {} is outside [0, 1)", from));
  }
  if (granularity == Granularity::kStructured && scope == Scope::kChannel) {
    throw Error(ErrorCode::kRecipe,
                "recipe: the channel scope is for single weights; structured pruning has global and layer");
  }
}

}  // namespace prefiqs
