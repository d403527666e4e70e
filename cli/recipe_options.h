// The options that make a pruning recipe.
#ifndef PREFIQS_CLI_RECIPE_OPTIONS_H_
#define PREFIQS_CLI_RECIPE_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <prefiqs/network.h>
#include <prefiqs/recipe.h>
#include <CLI/App.hpp>

namespace prefiqs::cli {

// In place of a file: the recipe that `prefiqs calibrate` chooses and stores with the network.
inline constexpr std::string_view kAutoRecipe = "auto";

struct RecipeArguments {
  std::string file;
  std::optional<double> sparsity, from;
  std::optional<std::string> granularity, criterion, scope;
  std::optional<std::uint64_t> seed;
};

// seed: the name of that option, for a command that has a seed of its own.
void AddRecipeOptions(CLI::App& app, RecipeArguments& arguments, const char* seed = "--seed");

// Unset when no option was given, and for kAutoRecipe. What an option does not say is the paper's. Throws
// Error(kRecipe), Error(kIo) or Error(kUsage).
std::optional<Recipe> MakeRecipe(const RecipeArguments& arguments);

// Throws Error(kUsage) for kAutoRecipe where no recipe is stored with the network.
void CheckAutoRecipe(const RecipeArguments& arguments, const Network& network);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_RECIPE_OPTIONS_H_
