// The options that make a grid of recipes.
#ifndef PREFIQS_CLI_SWEEP_GRID_H_
#define PREFIQS_CLI_SWEEP_GRID_H_

#include <cstdint>
#include <string>
#include <vector>

#include <prefiqs/recipe.h>
#include <CLI/App.hpp>

namespace prefiqs::cli {

struct GridArguments {
  std::string sparsities = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9", scopes = "global,layer,channel",
              criteria = "l1,random", granularities = "unstructured", starts = "0";
  std::uint64_t seed = 0;
};

void AddGridOptions(CLI::App& app, GridArguments& arguments);

// Every combination, by granularity, criterion, scope, start, sparsity. The channel scope is left out of random recipes
// (random scores have no scale, so it is the global one) and of structured ones (it is for single weights). Throws
// Error(kUsage) or Error(kRecipe).
std::vector<Recipe> MakeGrid(const GridArguments& arguments);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_SWEEP_GRID_H_
