// What a network file takes and gives, and the form in which the flow runs it.
#ifndef PREFIQS_PIPELINE_INTERFACE_H_
#define PREFIQS_PIPELINE_INTERFACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "prune/prune.h"

namespace prefiqs::pipeline {

struct WantedInterface {
  std::string output;          // its name; empty: found out
  int width = 0, height = 0;   // of pictures, where the file leaves that open; 0: 112
  bool tells_quality = false;  // the output is a number a face, as NetworkOptions::tells_quality says
};

struct Interface {
  // As read, with the one output in use. Copies of the network are written of it.
  graph::Graph file;
  // The same function of float32 pictures, N×channels×height×width with all of these known, N perhaps. It has the
  // values of `file` under the same ids, and perhaps more.
  graph::Graph graph;
  // Of the input, for one picture or for as many as the file is fixed to: of `file` and of `graph`.
  prune::InputShapes file_shapes, shapes;
  int channels = 3;  // or 1: grey
  int width = 0, height = 0;
  bool size_is_open = false;         // in the file
  bool takes_bytes = false;          // the file's input has integers, 0 to 255
  int embedding_size = 0;            // 1: a quality
  std::string output;                // its name, where the file has several
  std::vector<std::string> remarks;  // what was found out and may be another way, for people
};

// Throws Error(kModel), which says what fits and how to get it: inputs beside the picture, an input that is no picture,
// outputs of which none or several may be the embedding, operators that do not fit; Error(kUsage) for an output that
// does not exist, or a size other than the one that the file fixes.
//
// Several outputs: the only N×d with d ≥ 16 is the embedding where each of the others is one number a face.
Interface Adapt(graph::Graph read, const WantedInterface& wanted);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_INTERFACE_H_
