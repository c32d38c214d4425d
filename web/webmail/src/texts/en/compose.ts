/** Texts of src/compose. */

export default {};
