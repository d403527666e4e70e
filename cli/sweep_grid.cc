#include "cli/sweep_grid.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include "cli/arguments.h"

namespace prefiqs::cli {
namespace {

template <typename E>
std::vector<E> Named(std::string_view option, const std::string& text, std::initializer_list<E> values) {
  std::vector<E> chosen;
  for (const std::string& word : SplitAtCommas(text)) {
    bool found = false;
    std::string known;
    for (const E value : values) {
      if (word == name(value)) {
        chosen.push_back(value);
        found = true;
      }
      known += fmt::format("{}{}", known.empty() ? "" : ", ", name(value));
    }
    if (!found)
      throw Error(ErrorCode::kUsage, fmt::format("{} {}: any of {}, with commas between", option, text, known));
  }
  return chosen;
}

}  // namespace

void AddGridOptions(CLI::App& app, GridArguments& arguments) {
  const char* const group = "Grid";
  app.add_option("--sparsity", arguments.sparsities, "[0.1,0.2,…,0.9]")->type_name("R,...")->group(group);
  app.add_option("--granularity", arguments.granularities, "unstructured, structured [unstructured]")
      ->type_name("G,...")
      ->group(group);
  app.add_option("--scope", arguments.scopes, "[global,layer,channel]")->type_name("S,...")->group(group);
  app.add_option("--criterion", arguments.criteria, "[l1,random]")->type_name("C,...")->group(group);
  app.add_option("--from", arguments.starts, "Prune only at or after these fractions of the layer order [0]")
      ->type_name("F,...")
      ->group(group);
  app.add_option("--seed", arguments.seed, "Of random pruning [0]")
      ->type_name("N")
      ->check(FromZero<std::uint64_t>())
      ->group(group);
}

std::vector<Recipe> MakeGrid(const GridArguments& arguments) {
  std::vector<Recipe> recipes;
  const std::vector<Granularity> granularities =
      Named("--granularity", arguments.granularities, {Granularity::kUnstructured, Granularity::kStructured});
  const std::vector<Criterion> criteria =
      Named("--criterion", arguments.criteria, {Criterion::kL1, Criterion::kRandom});
  const std::vector<Scope> scopes =
      Named("--scope", arguments.scopes, {Scope::kGlobal, Scope::kLayer, Scope::kChannel});
  const std::vector<double> starts = ParseList(arguments.starts, "--from");
  const std::vector<double> sparsities = ParseList(arguments.sparsities, "--sparsity");
  const auto add = [&](Recipe recipe) {
    for (const double from : starts) {
      for (const double sparsity : sparsities) {
        recipe.from = from;
        recipe.sparsity = sparsity;
        recipe.validate();
        recipes.push_back(recipe);
      }
    }
  };
  for (const Granularity granularity : granularities) {
    for (const Criterion criterion : criteria) {
      for (const Scope scope : scopes) {
        const bool single_l1 = granularity == Granularity::kUnstructured && criterion == Criterion::kL1;
        if (scope == Scope::kChannel && !single_l1) continue;
        Recipe recipe;
        recipe.granularity = granularity;
        recipe.criterion = criterion;
        recipe.scope = scope;
        if (criterion == Criterion::kRandom) recipe.seed = arguments.seed;
        add(recipe);
      }
    }
  }
  if (recipes.empty()) {
    throw Error(ErrorCode::kUsage, "no recipe: random and structured pruning have no channel scope of their own");
  }
  return recipes;
}

}  // namespace prefiqs::cli
