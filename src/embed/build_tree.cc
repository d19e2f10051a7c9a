// Where the programs of a build tree find OpenVINO; never part of an installed library.
extern "C" {
extern const char assay_openvino_build_tree[];
const char assay_openvino_build_tree[] = ASSAY_OPENVINO_BUILD_TREE;
}
