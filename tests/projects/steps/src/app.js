console.log("A_DAY ms are a day");
