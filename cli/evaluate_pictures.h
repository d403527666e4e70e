// `prefiqs evaluate` with networks and pictures in place of what they said: runs them, once, into a folder.
#ifndef PREFIQS_CLI_EVALUATE_PICTURES_H_
#define PREFIQS_CLI_EVALUATE_PICTURES_H_

#include <functional>
#include <string>
#include <vector>

#include <prefiqs/evaluation.h>
#include <CLI/App.hpp>

#include "cli/network_options.h"
#include "cli/recipe_options.h"
#include "cli/run_options.h"

namespace prefiqs::cli {

struct PictureArguments {
  std::vector<std::string> networks;  // FILE[:PRESET], that verify
  std::vector<std::string> methods;   // [NAME=]METHOD
  std::string work;                   // folder
  bool keep_crops = false;            // there
  bool no_mirror = false;
  NetworkArguments model;  // that assesses
  RecipeArguments recipe;
  RunArguments run;
};

void AddPictureOptions(CLI::App& app, PictureArguments& arguments);

// Files of each verifying network.
struct Verifying {
  std::vector<std::string> rows, embeddings, mirrored;
};

// Runs what the arguments ask for over run.job.inputs and adds the files that come of it: verifying networks behind
// those that are there, qualities before. What is in the folder already is not done again, row by row. `check` is
// called when all networks are loaded, before the first picture. False: interrupted. Throws Error.
bool RunPictures(const PictureArguments& arguments, const std::function<void()>& check, Verifying& verifying,
                 std::vector<QualitySource>& qualities);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_EVALUATE_PICTURES_H_
